"""A project's script with actions, as a user writes it."""

from pathlib import Path

CASES = '''"""What we do with cases."""

from typing import Any

from pydantic import BaseModel

from orgsync import Org, action


class Case(BaseModel):
    """A case, as far as we look at it."""

    id: str
    status: str
    hours: float


@action
async def close_case(org: Org, case_id: str, reason: str = "Solved", hours: float = 0.0) -> Case:
    """Close a case, and say why."""
    await org.patch(f"sobjects/Case/{case_id}", {"Status": "Closed", "Reason": reason})
    found = await org.get(f"sobjects/Case/{case_id}", fields="Status")
    return Case(id=case_id, status=found["Status"], hours=hours)


@action(name="count")
async def counted(org: Org, words: list[str]) -> dict[str, Any]:
    """Count words."""
    return {"count": len(words)}
'''


def write_script(folder: Path, text: str = CASES, name: str = "cases.py") -> Path:
    """Put a script where a project's scripts are found."""
    path = folder / "syncs" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path
