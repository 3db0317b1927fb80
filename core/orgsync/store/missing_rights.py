"""The rights that a database's role lacks, as the statements by which an administrator gives them."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["MissingRights"]


@dataclass(frozen=True, slots=True)
class MissingRights:
    """The statements that give a role what it lacks: for its tables, for the queue of workers, for dry runs.

    `role` is its name as SQL has it. The owner of the database may run them, but for those that make the role the owner
    of what another owns: for these a superuser is needed, or a member of the role, which a comment says.
    """

    tables: Sequence[str]
    workers: Sequence[str]
    dry_runs: Sequence[str]
    role: str

    @property
    def script(self) -> str:
        """All statements, as an administrator can run them; "" where nothing is lacking."""
        return self._script([*self.tables, *self._optional])

    @property
    def optional(self) -> str:
        """Those that not every project needs, each with a comment that says what for; "" where nothing is lacking."""
        return self._script(self._optional)

    @property
    def _optional(self) -> list[str]:
        both = [each for each in self.workers if each in self.dry_runs]
        return [
            *(f"/* for workers and dry runs: */ {each}" for each in both),
            *(f"/* for workers: */ {each}" for each in self.workers if each not in both),
            *(f"/* for dry runs: */ {each}" for each in self.dry_runs if each not in both),
        ]

    def _script(self, statements: Sequence[str]) -> str:
        first = f"/* first, unless you are a superuser: GRANT {self.role} TO CURRENT_USER; */"
        return " ".join([*([first] if any(" OWNER TO " in each for each in statements) else []), *statements])
