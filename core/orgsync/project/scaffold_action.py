"""A first script of an action."""

import keyword
from pathlib import Path

from orgsync.errors import ArgumentInvalid, FileUnusable, NameTaken

__all__ = ["write_action"]

_TEXT = '''"""The action {name}."""

from pydantic import BaseModel

from orgsync import Org, action


class Changed(BaseModel):
    """The case that was changed."""

    id: str
    status: str


@action
async def {name}(org: Org, case_id: str, status: str = "Closed") -> Changed:
    """Set the status of a case."""
    await org.patch(f"sobjects/Case/{{case_id}}", {{"Status": status}})
    case = await org.get(f"sobjects/Case/{{case_id}}", fields="Status")
    return Changed(id=case_id, status=case["Status"])
'''


def write_action(name: str, folder: Path, *, replace: bool = False) -> Path:
    """Write the script of an action into a project's folder of scripts, and return its path.

    Raises ArgumentInvalid for what is no name of a function, NameTaken where the file exists and is not to be replaced,
    and FileUnusable where it cannot be written.
    """
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise ArgumentInvalid(f"{name!r} cannot be the name of a function.", "Write it so: close_case.")
    path = folder / f"{name}.py"
    if path.exists() and not replace:
        raise NameTaken(f"{path} exists already.", "Choose another name, or replace it: --force.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(_TEXT.format(name=name), encoding="utf-8")
    except OSError as error:
        raise FileUnusable(f"{path} cannot be written: {error.strerror}.", "Check the folder and its rights.") from None
    return path
