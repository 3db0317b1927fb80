"""A cassette's file: YAML, written to be read in a review, and read without guessing at what a text could mean."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import msgspec
import yaml

from orgsync.errors import CassetteInvalid

from .cassette_document import VERSION, Document, Unfit
from .interaction import Cassette
from .step_names import step_name

__all__ = ["read_cassette", "write_cassette"]

_HEADING = """\
# The HTTP requests of a test and their responses, in order; tests replay them. {origin}
# Secrets, hosts, org and user ids and personal data are stand-ins. To record it again: pytest --record.
"""


def write_cassette(path: Path, cassette: Cassette) -> None:
    """Write a cassette, and its folder, completely or not at all."""
    document: Any = msgspec.to_builtins(Document.of(cassette))
    text = _HEADING.format(origin=cassette.origin).replace(" \n", "\n") + _dumped(document)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def read_cassette(path: Path) -> Cassette:
    """Read a cassette. Raises CassetteInvalid for a file that is none, or that has lost a step of its contents."""
    try:
        document = _document(path.read_bytes())
        cassette = document.cassette()
    except FileNotFoundError:
        raise CassetteInvalid(
            f"There is no cassette {path}.", "Record it: pytest --record --connection NAME."
        ) from None
    except OSError as error:
        cause = f"{path} cannot be read: {error.strerror or type(error).__name__}."
        raise CassetteInvalid(cause, "Make it a file that you may read.") from None
    except (yaml.YAMLError, msgspec.ValidationError, ValueError, ArithmeticError, RecursionError) as error:
        cause = f"{path} is not a cassette{_reason(error)}."
        raise CassetteInvalid(cause, "Correct it, or record it again: pytest --record.") from None
    if document.contents is not None:
        _require_contents(path, document.contents, [step_name(each) for each in cassette.interactions])
    return cassette


def _document(content: bytes) -> Document:
    loaded: Any = yaml.load(content, Loader=_LOADER)  # noqa: S506 - it makes nothing but texts, lists and mappings
    version = msgspec.convert(loaded, type=_Versioned, strict=False).version
    if version != VERSION:
        raise Unfit(f"it has version {version}, and this orgsync reads version {VERSION}")
    return msgspec.convert(loaded, type=Document, strict=False)


class _Versioned(msgspec.Struct):
    version: int


_PLACE = re.compile(r"(.*) - at `\$(.*)`", re.DOTALL)
_STEP = re.compile(r"interactions\[(\d+)\]")
_WORDING = (  # msgspec's, and a reader's
    (r"Object missing required field (`\w+`)", r"\1 is missing"),
    (r"Object contains unknown field (.*)", r"\1 is unknown"),
    ("Expected", "expected"),
    (r" \| null`", "`"),
    ("Invalid RFC3339 encoded datetime", "expected an instant, such as 2026-01-31T10:15:00Z"),
    (r"Invalid enum value (.*)", r"\1 is unknown"),
    (r"`object \| array`", "a mapping or a list"),
    ("`object`", "a mapping"),
    ("`array`", "a list"),
    ("`(?:str|null)`", "a text"),
    ("`int`", "a number"),
    ("`datetime`", "an instant"),
)


def _reason(error: Exception) -> str:
    """Return what is wrong with a file, behind a colon; empty where the error does not show it."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f": line {error.problem_mark.line + 1}, {error.problem}"
    if not isinstance(error, msgspec.ValidationError):
        return f": {error}" if isinstance(error, Unfit) else ""
    found = _PLACE.fullmatch(str(error))
    what, place = (found[1], found[2].strip(".")) if found else (str(error), "")
    for theirs, ours in _WORDING:
        what = re.sub(theirs, ours, what)
    place = _STEP.sub(lambda step: f"step {int(step[1]) + 1}", place).replace(".", ", ")
    return f": {place}: {what}" if place else f": {what}"


def _require_contents(path: Path, contents: Sequence[str], steps: Sequence[str]) -> None:
    """Raise CassetteInvalid, with the step's name, where the interactions are not those of the contents."""
    for kind, first, last, other, end in SequenceMatcher(None, contents, steps, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        missing, odd = contents[first:last], steps[other:end]
        what = f"Step {first + 1} of {len(contents)}, {missing[0]}, is missing from {path}" if missing else ""
        if odd:
            found = f"{odd[0]} is there as step {other + 1}"
            what = f"{what}; {found}" if what else f"{path} has a step that is not in its contents: {found}"
        raise CassetteInvalid(f"{what}.", "Record it again; or, if it is intended, change its contents as well.")


_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # every scalar is a text: `yes`, 1.10 and null too
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_DUMPER):  # type: ignore[misc]
    """Writes texts of several lines as they are."""


def _text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _dumped(document: Any) -> str:
    return yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000)
