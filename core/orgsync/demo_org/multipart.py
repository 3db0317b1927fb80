"""Bodies of type multipart/form-data: a part of JSON, and one of data."""

from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP

from .refusal import Refusal
from .wire import Call


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its field name, the file name if it has one, its type and its bytes."""

    name: str
    file_name: str | None
    content_type: str
    body: bytes


def is_multipart(call: Call) -> bool:
    """Return whether a request is a form with files."""
    return call.headers.get("content-type", "").lower().startswith("multipart/form-data")


def read_parts(call: Call) -> list[Part]:
    """Return the parts of a request's body, in their order.

    Raises:
        Refusal: it is not what its boundary promises.
    """
    kind = call.headers.get("content-type", "")
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + call.body)
    if not message.is_multipart():
        raise Refusal(400, "INVALID_MULTIPART_REQUEST", "Multipart message must include a boundary param")
    parts: list[Part] = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        body = part.get_payload(decode=True)
        parts.append(
            Part(
                name=str(name or ""),
                file_name=part.get_filename(),
                content_type=part.get_content_type(),
                body=body if isinstance(body, bytes) else b"",
            )
        )
    return parts
