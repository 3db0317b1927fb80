"""Running the conformance test on a script, case by case."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from orgsync.testing.checks import conformance

__all__ = ["cases_of", "outcomes_of", "project"]


def project(folder: Path, **scripts: str) -> Path:
    """Write scripts into the folder of a project's syncs."""
    syncs = folder / "syncs"
    syncs.mkdir(parents=True)
    for name, text in scripts.items():
        (syncs / f"{name}.py").write_text(dedent(text).lstrip(), encoding="utf-8")
    return syncs


def cases_of(syncs: Path | None, **options: Any) -> dict[str, Any]:
    """Give the cases of a folder's conformance test by their ids."""
    test: Any = conformance(syncs, **options)
    (mark,) = test.pytestmark
    return dict(zip(mark.kwargs["ids"], mark.args[1], strict=True))


def outcomes_of(syncs: Path, folder: Path, *checks: str, **options: Any) -> dict[str, str]:
    """Run cases, or those of some checks, and give what each says: "passed", "failed: ..." or "skipped: ..."."""
    reported: dict[str, str] = {}
    for number, (name, case) in enumerate(cases_of(syncs, **options).items()):
        if checks and name.partition("-")[2] not in checks:
            continue
        own = folder / f"case-{number}"
        own.mkdir()
        try:
            case.run(own)
        except pytest.fail.Exception as failure:
            reported[name] = f"failed: {failure.msg}"
        except pytest.skip.Exception as skipped:
            reported[name] = f"skipped: {skipped.msg}"
        else:
            reported[name] = "passed"
    return reported
