"""`orgsync write`: write the rows of a file to an org, with an answer for every row."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.printable import counted

from .commands import says_when_interrupted, wait_for
from .connection_choice import choose_connection, require_connected
from .interruptions import WRITE, WRITE_CLOSING, WRITE_INTERRUPTED, WRITE_NOT_BEGUN, WRITE_NOT_SENT, Stopping
from .options import connection_option
from .output import examples, json_line, moment, result, say, short_path, show_problem, stdout
from .progress import shown_write
from .signals import Interruption

if TYPE_CHECKING:
    from orgsync.project import Project
    from orgsync.project.file_writes import FileCheck, FileResult, FileWrite, WriteProgress, WriteResult

__all__ = ["EXAMPLES", "write"]

EXAMPLES = examples(
    "orgsync write leads.csv --object Lead --operation insert -c acme",
    "orgsync write contacts.csv --object Contact --operation upsert --external-id Key__c -c acme",
    "orgsync write contacts.csv --object Contact --operation update --dry-run",
    "orgsync write old.jsonl --object Task --operation delete --json",
)

_SHOWN = 5


def write(  # noqa: PLR0913 - each is an option
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV, or JSON lines where it ends in .jsonl.")],
    sobject: Annotated[str, typer.Option("--object", metavar="NAME", help="The object, such as Contact.")],
    operation: Annotated[str, typer.Option(metavar="OPERATION", help="insert, update, upsert, delete or hard_delete.")],
    external_id: Annotated[
        str | None, typer.Option(metavar="FIELD", help="For upsert: the field by which rows are found.")
    ] = None,
    connection: Annotated[str | None, connection_option("The connection.")] = None,
    update_only: Annotated[bool, typer.Option("--update-only", help="With upsert: make no new rows.")] = False,
    delimiter: Annotated[str, typer.Option(metavar="CHAR", help="What separates the columns of a CSV, or tab.")] = ",",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check object, fields, types and external id; send nothing.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Write a file that was written before once more.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Write the rows of a file to an org, and say of every row what became of it.

    The first line of a CSV names fields; an empty cell leaves a field as it is, #N/A empties it. In JSON lines,
    null empties it. Nothing is sent before the whole file is checked. Rows of leads.csv that Salesforce refuses are in
    leads.refused.csv afterwards, to be corrected and written; rows of which no response says what became are in
    leads.unknown.csv, to be looked for in the org first. If the command is interrupted or killed, the same command
    resumes the write, and writes no row twice. Exit code: 0 all written, 1 some were not, or the org lacks the object
    or a field, 2 usage, configuration or an unusable file, 3 sign-in needed, 4 stopped to spare the API limit, 130 or
    143 interrupted.
    """
    not_sent = "Interrupted; nothing was sent." if dry_run else WRITE_NOT_SENT
    with says_when_interrupted(lambda: not_sent):
        from orgsync.project.file_writes import file_write

        given = file_write(
            file, sobject, operation, external_id=external_id, update_only=update_only, delimiter=delimiter, again=again
        )
    work = _Work(given, connection, as_json)
    raise typer.Exit(
        wait_for(work.check if dry_run else work.write, interrupted=lambda: WRITE_CLOSING if work.begun else not_sent)
    )


@dataclass(slots=True)
class _Work:
    """The write of one file, and what is shown of it."""

    file: "FileWrite"
    connection: str | None
    as_json: bool
    begun: bool = False
    """Whether the file is checked, so that rows may have been sent."""

    @property
    def title(self) -> str:
        """The file, and what is done with it."""
        return f"{short_path(self.file.path)} to {self.file.request.sobject}"

    async def check(self) -> int:
        """Check the file, and return the exit code."""
        from orgsync.project import open_project
        from orgsync.project.file_writes import check_view

        await require_connected([self.connection])
        async with open_project() as project:
            name = await choose_connection(project, self.connection)
            check = await (await project.open_org(name)).check_file(self.file)
        if self.as_json:
            json_line(check_view(self.file, name, check))
        else:
            self._show_check(name, check)
        return 1 if check.invalid_rows else 0

    def _show_check(self, name: str, check: "FileCheck") -> None:
        ways = [counted(check.collections, "collection call")] if check.collections else []
        ways += [counted(check.jobs, "Bulk API job")] if check.jobs else []
        sent = f" by {' and '.join(ways)}" if ways else ""
        result(f"{self.title} on {name}: {counted(check.rows, 'row')} would be sent{sent}; nothing was.")
        for each in check.problems:
            result(f"  line {each.line}: {each.field} {each.what}")
        if check.invalid_rows:
            more = f" The first {len(check.problems)} are shown." if check.invalid_rows > len(check.problems) else ""
            result(f"{counted(check.invalid_rows, 'row')} would be refused.{more}")

    async def write(self) -> int:
        """Write the file, and return the exit code."""
        import anyio

        from orgsync.project import open_project

        ended, name = None, ""
        await require_connected([self.connection])
        async with open_project() as project:  # outside the scope, so that it is closed in order
            with anyio.CancelScope() as scope, Interruption(scope, self._stopping) as interruption:
                name = await choose_connection(project, self.connection)
                ended = await self._written(project, name)
            if ended is None:
                if not self.begun:
                    say(WRITE_NOT_SENT)
                return interruption.code
            try:
                code = self._show(name, ended)
                return interruption.code or code
            finally:
                ended.result.close()

    def _stopping(self) -> Stopping:
        return WRITE if self.begun else WRITE_NOT_BEGUN

    async def _written(self, project: "Project", name: str) -> "FileResult":
        import anyio

        org = await project.open_org(name)
        stopped: list[WriteResult] = []
        try:
            with shown_write(self.title, show=not self.as_json) as show:

                def observe(progress: "WriteProgress") -> None:
                    self.begun = True
                    show(progress)

                return await org.write_file(self.file, observe=observe, stopped=stopped.append)
        except anyio.get_cancelled_exc_class():
            if stopped:
                self._show_stopped(name, stopped[0])
            raise

    def _show_stopped(self, name: str, stopped: "WriteResult") -> None:
        """Show what an interrupted write has done."""
        from orgsync.project.file_writes import counts_view

        if self.as_json:
            counts = {"file": str(self.file.path), "connection": name, "interrupted": True, **counts_view(stopped)}
            json_line(counts)
        else:
            result(f"{self.title} on {name}: {_summary(stopped)}")
        stdout().flush()
        say(WRITE_INTERRUPTED)

    def _show(self, name: str, ended: "FileResult") -> int:
        from orgsync.project.file_writes import failure_lines, write_view

        written = ended.result
        if self.as_json:
            json_line(write_view(self.file, name, ended))
        else:
            before = f"was already written at {moment(ended.finished_at)}: " if ended.finished_at else ""
            result(f"{self.title} on {name}: {before}{_summary(written)}")
            for line in failure_lines(written, _SHOWN):
                result(f"  {line}")
            if written.counts.failed > _SHOWN:
                result(f"  and {written.counts.failed - _SHOWN:,} more")
            self._show_files(ended)
        stdout().flush()
        if written.problem is not None:
            show_problem(written.problem)
            return written.problem.exit_code
        return 1 if written.counts.failed else 0

    def _show_files(self, ended: "FileResult") -> None:
        if ended.result.can_be_resumed:
            if files := [short_path(each) for each in (ended.files.refused, ended.files.unknown) if each]:
                say(f"Rows that are not known to be in the org: {' and '.join(files)}; complete this write first.")
            return
        if ended.files.refused:
            say(f"Rows that are not in the org: {short_path(ended.files.refused)}; correct them and write that file.")
        if ended.files.unknown:
            say(f"Rows that may be in the org: {short_path(ended.files.unknown)}; look for them before writing them.")
        if ended.finished_at:
            say("Nothing was sent now; --again writes the file once more.")


def _summary(written: "WriteResult") -> str:
    counts = written.counts
    parts = [f"{counted(counts.written, 'row')} written" + (f" ({counts.created:,} new)" if counts.created else "")]
    for number, what in (
        (counts.refused, "refused"),
        (counts.unprocessed, "not processed"),
        (counts.unknown, "unknown"),
    ):
        parts += [f"{number:,} {what}"] if number else []
    return ", ".join(parts)
