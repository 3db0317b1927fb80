"""What Salesforce refuses, as the errors that its API answers with."""

from collections.abc import Mapping, Sequence


class Refusal(Exception):
    """A request or a change that the org refuses: status, errorCode, message and fields of the REST error.

    The demo org's own methods (`insert`, `update`, ...) raise it too.
    """

    def __init__(self, status: int, code: str, message: str, fields: Sequence[str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def body(self) -> list[dict[str, object]]:
        """Return the error as REST writes it: an array of one object."""
        error: dict[str, object] = {"message": self.message, "errorCode": self.code}
        if self.code == "NOT_FOUND":
            error = {"errorCode": self.code, "message": self.message}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [error]

    def item(self) -> dict[str, object]:
        """Return the error as it stands inside a collection's response."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}


class OAuthRefusal(Exception):
    """A sign-in that is refused, in the form of the OAuth endpoints: an object, not an array."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status

    def body(self) -> Mapping[str, str]:
        """Return the JSON object."""
        return {"error": self.error, "error_description": self.description}


def not_found(message: str = "The requested resource does not exist") -> Refusal:
    """Return the 404 of a resource that is absent, deleted or invisible."""
    return Refusal(404, "NOT_FOUND", message)


def not_implemented(what: str) -> Refusal:
    """Return the 501 of what Salesforce does and the demo org does not; `what` goes on from "The demo org does not"."""
    return Refusal(501, "NOT_IMPLEMENTED", f"The demo org does not {what}.")
