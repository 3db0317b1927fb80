"""Files: the objects that hold contents, what follows from contents, and the versions of a document.

A content is stored as a text of one character a byte (Latin-1), so that a row stays a row. Queries and records give
the address where it is downloaded in its place.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from .fields import Field, Row, SObject, Value
from .refusal import Refusal
from .standard_fields import (
    AUDIT_FIELDS,
    OWNER,
    checkbox,
    choice,
    deleted_fields,
    link,
    lookup,
    read_only,
    record_id,
    text,
)

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(;[ -~]*)?", re.ASCII)  # what a user writes there may be no header
LARGEST_IN_JSON = 52_428_800
_TYPES = {"pdf": "PDF", "txt": "TEXT", "csv": "CSV", "png": "PNG", "jpg": "JPG", "docx": "WORD_X", "xlsx": "EXCEL_X"}
_CONTENTS = {"ContentVersion": "VersionData", "Attachment": "Body", "Document": "Body"}
_PLACES = ("Account", "Campaign", "Case", "Contact", "Lead", "Opportunity", "Product2", "User")
_PARENTS = ("Account", "Campaign", "Case", "Contact", "Lead", "Opportunity", "Product2", "Task", "Event")


def _content(name: str, label: str, *, nillable: bool, updateable: bool) -> Field:
    return Field(
        name=name, label=label, type="base64", nillable=nillable, updateable=updateable, permissionable=False,
    )  # fmt: skip


def _required(name: str, label: str, length: int) -> Field:
    return Field(name=name, label=label, type="string", length=length, nillable=False, permissionable=False)


CONTENT_VERSION = SObject(
    name="ContentVersion", label="Content Version", plural="Content Versions", prefix="068", deletable=False,
    replicateable=False, has_recent=False,
    fields=(
        record_id("ContentVersion"),
        Field(
            name="ContentDocumentId", label="ContentDocument ID", type="reference", length=18, updateable=False,
            permissionable=False, refers_to="ContentDocument", relationship="ContentDocument",
            child_relationship="ContentVersions", cascades=True, defaulted=True,
        ),
        checkbox("IsLatest", "Is Latest", writable=False),
        read_only("VersionNumber", "Version Number", "string", length=20),
        Field(name="Title", label="Title", type="string", length=255, defaulted=True, name_field=True),
        text("Description", "Description", 1000, "textarea"), text("ReasonForChange", "Reason For Change", 1000),
        Field(
            name="PathOnClient", label="Path On Client", type="string", length=500, nillable=False, updateable=False,
            permissionable=False,
        ),
        *deleted_fields("ContentVersion", merges=False), OWNER, *AUDIT_FIELDS,
        read_only("FileType", "File Type", "string", length=20),
        choice("PublishStatus", "Publish Status", ("P", "R"), "P"),
        _content("VersionData", "Version Data", nillable=True, updateable=False),
        read_only("ContentSize", "Size", "int"), read_only("FileExtension", "File Extension", "string", length=40),
        Field(
            name="FirstPublishLocationId", label="First Publish Location ID", type="reference", length=18,
            updateable=False, permissionable=False, refers_to="Name", kinds=_PLACES,
            relationship="FirstPublishLocation",
        ),
        choice("Origin", "Content Origin", ("C", "H"), "C"), read_only("Checksum", "Checksum", "string", length=50),
    ),
)  # fmt: skip

ATTACHMENT = SObject(
    name="Attachment", label="Attachment", plural="Attachments", prefix="00P", has_pages=False, has_search=True,
    fields=(
        record_id("Attachment"), *deleted_fields("Attachment", merges=False),
        link("ParentId", "Parent ID", _PARENTS, "Attachments", required=True), _required("Name", "File Name", 255),
        checkbox("IsPrivate", "Private"), text("ContentType", "Content Type", 120),
        read_only("BodyLength", "Body Length", "int"), _content("Body", "Body", nillable=False, updateable=True),
        OWNER, *AUDIT_FIELDS, text("Description", "Description", 500, "textarea"),
    ),
)  # fmt: skip

DOCUMENT = SObject(
    name="Document", label="Document", plural="Documents", prefix="015",
    fields=(
        record_id("Document"), lookup("FolderId", "Folder ID", "User"), *deleted_fields("Document", merges=False),
        _required("Name", "Document Name", 255), text("DeveloperName", "Document Unique Name", 80),
        text("ContentType", "MIME Type", 120), text("Type", "File Extension", 40),
        checkbox("IsPublic", "Externally Available"),
        read_only("BodyLength", "Body Length", "int"), _content("Body", "Body", nillable=True, updateable=True),
        text("Description", "Description", 255), text("Keywords", "Keywords", 255), *AUDIT_FIELDS,
    ),
)  # fmt: skip


def stored_content(field: Field, raw: object) -> str:
    """Return a content as it is stored: bytes, or the text that base64 makes of them.

    Raises:
        Refusal: it is no base64, or too long for JSON.
    """
    if isinstance(raw, bytes):
        return raw.decode("latin-1")
    if not isinstance(raw, str):
        raise _not_base64(field)
    if len(raw) > LARGEST_IN_JSON:
        text = f"Maximum size of request reached. Maximum size of request is {LARGEST_IN_JSON} bytes."
        raise Refusal(400, "EXCEEDED_MAX_SIZE_REQUEST", text, [field.name])
    try:
        return base64.b64decode(raw, validate=True).decode("latin-1")
    except binascii.Error:
        raise _not_base64(field) from None


def content_of(sobject: SObject, row: Row) -> bytes | None:
    """Return the content of a row; None where the object has none."""
    name = _CONTENTS.get(sobject.name)
    value = row.get(name) if name else None
    return None if name is None else str(value or "").encode("latin-1")


def content_type_of(sobject: SObject, row: Row) -> str:
    """Return the type that a download has; versions of files have it misspelled in real orgs, too."""
    given = str(row.get("ContentType") or "")
    return given if _MEDIA_TYPE.fullmatch(given) else "application/octetstream"


def measured(sobject: SObject, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return what follows from a new content: its size, its checksum, its kind."""
    name = _CONTENTS.get(sobject.name)
    value = values.get(name) if name else None
    if name is None or not isinstance(value, str):
        return {}
    content = value.encode("latin-1")
    if sobject.name != "ContentVersion":
        return {"BodyLength": len(content)}
    path = PurePosixPath(str(values.get("PathOnClient") or "").replace("\\", "/"))
    extension = path.suffix.removeprefix(".").lower()
    return {
        "Title": values.get("Title") or path.stem, "ContentSize": len(content), "FileExtension": extension or None,
        "FileType": _TYPES.get(extension, extension.upper()[:20] or "UNKNOWN"),
        "Checksum": hashlib.md5(content, usedforsecurity=False).hexdigest(),
    }  # fmt: skip


def document_values(version: Row) -> dict[str, Value]:
    """Return what a document has of its latest version."""
    shared = ("Title", "FileType", "FileExtension", "ContentSize")
    return {**{name: version.get(name) for name in shared}, "LatestPublishedVersionId": version["Id"]}


def _not_base64(field: Field) -> Refusal:
    return Refusal(400, "JSON_PARSER_ERROR", f"Value of {field.name} is not base64 at [line:1, column:1]")
