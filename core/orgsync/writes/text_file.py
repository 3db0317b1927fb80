"""The lines of a file of rows: UTF-8 or refused by line and column, and fingerprinted on the way."""

import codecs
import hashlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orgsync.errors import FileUnusable
from orgsync.suggest import path_remedy

__all__ = ["TextFile"]

_BOMS = ((codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"))
_CHUNK = 64 * 1024


@dataclass(slots=True)
class TextFile:
    """A file of text; `digest`, that of its bytes, is complete when all lines were read."""

    path: Path
    digest: str = ""

    def lines(self) -> Iterator[str]:
        """Yield lines with their ends, a byte-order mark of UTF-8 left out. Raises FileUnusable."""
        hasher = hashlib.sha256()
        try:
            with self.path.open("rb", buffering=_CHUNK) as file:
                for number, line in enumerate(file, start=1):
                    hasher.update(line)
                    yield self._text(line, number)
        except OSError as error:
            raise FileUnusable(f"{self.path} cannot be read: {error.strerror}.", path_remedy(self.path)) from None
        self.digest = hasher.hexdigest()

    def _text(self, line: bytes, number: int) -> str:
        content = line
        if number == 1:
            self._require_utf8(line)
            content = line.removeprefix(codecs.BOM_UTF8)
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            column = len(content[: error.start].decode()) + 1
            raise FileUnusable(
                f"{self.path}, line {number}, column {column}: a byte there is not UTF-8.",
                f"Save the file as UTF-8: in Excel, as `CSV UTF-8`; elsewhere: {self._conversion('WINDOWS-1252')}",
            ) from None
        if "\0" in text:
            raise FileUnusable(
                f"{self.path}, line {number}, column {text.index(chr(0)) + 1}: a NUL character is there.",
                "Save the file as UTF-8.",
            )
        return text

    def _conversion(self, encoding: str) -> str:
        """Return the command that writes the file as UTF-8 beside it."""
        beside = self.path.with_name(f"{self.path.stem}.utf8{self.path.suffix}")
        return f"iconv -f {encoding} -t UTF-8 {shlex.quote(str(self.path))} > {shlex.quote(str(beside))}"

    def _require_utf8(self, first: bytes) -> None:
        for mark, name in _BOMS:
            if first.startswith(mark):
                raise FileUnusable(
                    f"{self.path}, line 1, column 1: the file begins with the byte-order mark of {name}.",
                    f"Save it as UTF-8: {self._conversion(name)}",
                )
