"""One recorded request and its answer, and where the recordings lie."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["FOLDER", "Exchange"]

FOLDER = Path(__file__).parents[2].parent / "shared" / "recordings"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded request and its answer.

    `source` names the project that recorded it, `n` counts within its file. Some recorders kept answers only: then
    method and path are None. `query` and `asked` are the query string and the body of the request as they were sent.
    """

    source: str
    file: str
    n: int
    method: str | None
    path: str | None
    query: str
    asked: str
    status: int
    headers: list[tuple[str, str]]
    body: str
