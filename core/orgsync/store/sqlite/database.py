"""The open database: its transactions for reading and for writing."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from sqlalchemy import URL
from sqlmodel.ext.asyncio.session import AsyncSession

from orgsync.errors import StoreReplaced, StoreUnavailable

from .. import versions
from ..private import require_private_database, sync_folder
from . import backup, driver
from .driver import KeptConnection, Statements
from .errors import errors_explained

__all__ = ["Database"]

_IDLE_READERS = 3


class Database:
    """One SQLite file, written by one transaction at a time and read by many.

    Sessions are for connections and for users' own reads. What happens in every run goes through `Statements`.
    """

    def __init__(self, url: URL) -> None:
        self.path = driver.file_of(url)
        self._absolute = self.path.absolute()  # a script may change the working directory
        self._url = url
        self._reader = driver.engine(url, use="reading")
        self._writer = driver.engine(url, use="writing")
        # SQLite's own queue of writers is a poll; this one is fair, and costs no thread.
        self._turn = anyio.Lock()
        # Taking a connection out of SQLAlchemy's pool and putting it back costs more than most statements do.
        self._writing: KeptConnection | None = None
        self._idle: list[KeptConnection] = []
        self._file: tuple[int, int] | None = None  # device and number of the file that was opened

    @asynccontextmanager
    async def reading_session(self) -> AsyncGenerator[AsyncSession]:
        """Read one state of the database; nothing can be written."""
        with errors_explained(self.path):
            async with AsyncSession(self._reader, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def writing_session(self) -> AsyncGenerator[AsyncSession]:
        """Write in one transaction, which commits at the end of the block or rolls back on any error.

        What was committed so is on the disk: it holds credentials, and a refresh token that rotates comes once.
        """
        with errors_explained(self.path):
            async with self._turn, AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
                yield session
                self.require_in_place()

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Statements]:
        """Read, each statement for itself."""
        with errors_explained(self.path):
            kept = self._idle.pop() if self._idle else await KeptConnection.of(self._reader)
            try:
                yield kept.statements
            except BaseException:
                await kept.close()
                raise
            if len(self._idle) < _IDLE_READERS:
                self._idle.append(kept)
            else:
                await kept.close()

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[Statements]:
        """Write in one transaction, which commits at the end of the block or rolls back on any error."""
        with errors_explained(self.path):
            async with self._turn:
                kept = self._writing = self._writing or await KeptConnection.of(self._writer)
                try:
                    async with driver.transaction(kept.statements):
                        yield kept.statements
                        self.require_in_place()
                except BaseException:
                    self._writing = None
                    await kept.close()  # which rolls back
                    raise

    async def is_current(self) -> bool:
        """Tell whether the control tables are there, in this package's version; makes the file if it is missing."""
        self._make_file()
        with errors_explained(self.path):
            driver.require_openable(self._url)
            self._file = _file_at(self._absolute)
        async with self.reading() as statements:
            return await versions.is_current(statements)

    def require_in_place(self) -> None:
        """Raise StoreReplaced where the path no longer leads to the file that was opened.

        SQLite goes on with a file that was deleted: what it writes there is in no folder any more.
        """
        if self._file is None or (there := _file_at(self._absolute)) == self._file:
            return
        what = "deleted" if there is None else "replaced by another file"
        raise StoreReplaced(
            f"The database {self.path} was {what} while orgsync was working with it.",
            "Start orgsync again, and it works with what is there then, or begins a new copy (its connections have to "
            "be made again). Stop orgsync before a database is moved, restored or deleted.",
        )

    async def upgrade(self) -> None:
        """Make the control tables, or bring them to this package's version, in one transaction."""
        with errors_explained(self.path):
            async with self._writer.begin() as connection:
                # Another process may have been quicker.
                if not await versions.is_current(await Statements.on(connection)):
                    await versions.upgrade(connection)

    async def copy_to(self, path: Path) -> None:
        """Copy one state of the whole database into a new file, in which no lease is held."""
        with errors_explained(self.path):
            await backup.copy(self._url, path)

    async def close(self) -> None:
        """Close every connection to the file."""
        for kept in [*self._idle, *([self._writing] if self._writing else [])]:
            await kept.close()
        self._idle, self._writing = [], None
        await self._reader.dispose()
        await self._writer.dispose()

    def _make_file(self) -> None:
        """Make the file for its owner's eyes only: it holds customers' rows."""
        require_private_database(self.path)
        if self.path.exists():
            return
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL, 0o600))
            sync_folder(self.path.parent)
        except FileExistsError:  # another process was quicker
            return
        except OSError as error:
            raise StoreUnavailable(
                f"The database {self.path} cannot be made: {error.strerror}.",
                "Check that its folder exists and that this user may write there.",
            ) from error


def _file_at(path: Path) -> tuple[int, int] | None:
    """Return the device and number of the file at a path; None where there is none."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreUnavailable(
            f"The database {path} cannot be looked at: {error.strerror}.", "Check the disk and who may read its folder."
        ) from error
    return found.st_dev, found.st_ino
