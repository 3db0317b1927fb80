"""The columns of a record class that is read with its contents: where a content is, and what is kept of it."""

from dataclasses import dataclass
from typing import Self

from orgsync.errors import RecordClassInvalid
from orgsync.records import Column, Schema

__all__ = ["ERROR", "HASH", "PATH", "ContentColumns"]

PATH, HASH, ERROR = "content_path", "content_sha256", "content_error"
_BODIES = ("versiondata", "body")
_SIZES = ("contentsize", "bodylength")
_CHECKSUMS = ("checksum",)  # MD5, which Salesforce keeps of each version of a file


@dataclass(frozen=True, slots=True)
class ContentColumns:
    """The places of a row: the address of its content, its size and MD5 in the org's own words, and what is kept.

    `size` and `md5` are None for a class that does not read them. `never_changes` says that a row's content is the same
    for ever, as that of a ContentVersion is; another object's may be another one whenever the row has changed.
    """

    body: int
    size: int | None
    md5: int | None
    path: int
    hash: int
    error: int
    never_changes: bool

    @classmethod
    def of(cls, schema: Schema) -> Self:
        """Find them in a record class; raise RecordClassInvalid, with what to write, where one is missing."""
        names = {column.name: at for at, column in enumerate(schema.columns)}
        body = _found(schema, _BODIES)
        if body is None:
            raise RecordClassInvalid(
                f"{schema.model.__name__} reads no field of contents.",
                "Add the field that has them: version_data: str | None of ContentVersion, body: str | None of "
                "Attachment and Document.",
            )
        for name in (PATH, HASH, ERROR):
            column = schema.columns[names[name]] if name in names else None
            if column is None or not column.local or column.type is not str:
                raise RecordClassInvalid(
                    f"{schema.model.__name__} has no column {name} for what is kept of its contents.",
                    f"Add it: {name}: str | None = field(local=True).",
                )
        return cls(
            body,
            _found(schema, _SIZES),
            _found(schema, _CHECKSUMS),
            names[PATH],
            names[HASH],
            names[ERROR],
            never_changes=(schema.object_name or "").lower() == "contentversion",
        )


def _found(schema: Schema, paths: tuple[str, ...]) -> int | None:
    columns: list[Column] = [*schema.columns]
    return next((at for at, column in enumerate(columns) if column.path.lower() in paths), None)
