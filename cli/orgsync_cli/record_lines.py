"""Rows and changes as lines on stdout: JSON objects or CSV, all that there are, or each as it comes."""

import csv
import select
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from orgsync.printable import escaped

from .output import is_unicode, narrowed, stdout

if TYPE_CHECKING:
    from orgsync.project import View
    from orgsync.project.view import Selection

__all__ = ["follow_lines", "write_lines"]

_POLL_SECONDS = 1.0


def write_lines(view: "View", selection: "Selection", *, as_csv: bool) -> None:
    """Write the rows, one a line; CSV has a heading, also where no row follows."""
    lines = _CsvLines(view, selection) if as_csv else _JsonLines(view)
    lines.write(selection)


def follow_lines(view: "View", selection: "Selection", *, as_csv: bool) -> None:
    """Write each change as it comes, flushed, until Ctrl-C, the selection's limit or the end of whoever reads them."""
    lines = _CsvLines(view, selection) if as_csv else _JsonLines(view)
    after, left, is_first = selection.after, selection.limit, True
    try:
        while left is None or left > 0:
            view.require_in_place()
            last = view.last_change()
            if last > after or is_first:  # at first in any case: a heading, and what is wrong with a condition
                written = lines.write(replace(selection, after=after, upto=last, limit=left))
                stdout().flush()
                after, left, is_first = last, None if left is None else left - written, False
            else:
                _wait()
    except KeyboardInterrupt:
        stdout().flush()


class _Lines(Protocol):
    def write(self, selection: "Selection") -> int:
        """Write the rows of a selection, and return how many they were."""
        ...


class _JsonLines(_Lines):
    def __init__(self, view: "View") -> None:
        self._view = view

    def write(self, selection: "Selection") -> int:
        from orgsync.project.row_text import json_lines

        columns = self._view.columns(selection.table, changes=selection.changes)
        kinds = {name: columns.get(name, "") for name in selection.columns or columns}
        count = 0
        for page in self._view.pages(selection):
            text = json_lines(page, kinds).decode()
            stdout().write(escaped(text if is_unicode() else narrowed(text)))
            count += len(page)
        return count


class _CsvLines(_Lines):
    """CSV whose columns stay those of its heading."""

    def __init__(self, view: "View", selection: "Selection") -> None:
        self._view = view
        self._writer = csv.writer(stdout(), lineterminator="\n")
        columns = view.columns(selection.table, changes=selection.changes)
        self._kinds = {name: columns.get(name, "") for name in selection.columns or columns}
        self._has_heading = False

    def write(self, selection: "Selection") -> int:
        from orgsync.project.row_text import csv_cells

        count = 0
        for page in self._view.pages(replace(selection, columns=list(self._kinds))):
            self._head()  # here: an error in the condition is raised before the first page
            self._writer.writerows(csv_cells(page, list(self._kinds.values())))
            count += len(page)
        self._head()
        return count

    def _head(self) -> None:
        if not self._has_heading:
            self._writer.writerow(self._kinds)
            self._has_heading = True


def _wait() -> None:
    """Wait a moment; raise BrokenPipeError once whoever reads stdout has gone."""
    if not hasattr(select, "poll"):
        time.sleep(_POLL_SECONDS)
        return
    poll = select.poll()
    poll.register(stdout().fileno(), 0)
    if poll.poll(_POLL_SECONDS * 1000):
        raise BrokenPipeError
