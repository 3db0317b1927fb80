"""Checking a cassette for what should not be in it, whether scrubbing knows of it or not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..interaction import Interaction
from .contents import content_of, is_content_stand_in, uploads_of
from .org_facts import OrgFacts, is_salesforce, learned, netloc
from .personal import PersonalFields, parts_of
from .pieces import Role
from .sensitive import Found, Sensitive
from .stand_ins import SECRET_STAND_IN, is_stand_in
from .walk import Walk, is_secret_header

__all__ = ["Leak", "leaks"]


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that should not be in a cassette. It has its kind and place, never the value.

    `step` counts interactions from 1; `where` is such as `response: Contact.Email` or `request: header cookie`.
    """

    step: int
    what: str
    where: str


def leaks(interactions: Sequence[Interaction], *, fields: Sequence[str] = ()) -> list[Leak]:
    """List the secrets, hosts, ids of orgs and users, and personal data in a cassette; stand-ins are not listed.

    `fields` are further personal ones, as for `scrubbed`.
    """
    facts = learned(interactions)
    check = _Check(facts)
    walk = Walk(facts, PersonalFields(facts, fields), check.visit)
    for step, each in enumerate(interactions, 1):
        check.at(step, "request")
        check.origin(each.request.origin)
        check.headers(each.request.headers)
        walk.request(each)
        check.contents(uploads_of(each.request))
        check.at(step, "response")
        check.headers(each.response.headers)
        walk.response(each)
        content = content_of(each)
        check.contents([] if content is None else [content])
    return list(dict.fromkeys(check.found))


class _Check:
    """Notes what a walk finds that is not a stand-in."""

    def __init__(self, facts: OrgFacts) -> None:
        self.found: list[Leak] = []
        self._facts = facts
        self._sensitive = Sensitive(facts)
        self._step, self._part = 0, ""
        self._clean: set[tuple[str, Role]] = set()

    def at(self, step: int, part: str) -> None:
        """Set the place that the walk has reached."""
        self._step, self._part = step, part

    def origin(self, origin: str) -> None:
        """Check the host of a request."""
        if is_salesforce(netloc(origin)) or netloc(origin) in self._facts.hosts:
            self._note(Found.HOST, "origin")

    def headers(self, headers: Iterable[str]) -> None:
        """Check the headers that a walk leaves out."""
        for name in headers:
            if is_secret_header(name):
                self._note("a cookie" if "cookie" in name.lower() else "a secret", f"header {name}")

    def contents(self, contents: Iterable[bytes]) -> None:
        """Check the contents of files."""
        if not all(map(is_content_stand_in, contents)):
            self._note("the content of a file", "body")

    def visit(self, text: str, role: Role, name: str) -> str:
        """Check a text, and return it unchanged."""
        if (text, role) in self._clean:
            return text
        before = len(self.found)
        if role is Role.SECRET:
            if SECRET_STAND_IN.fullmatch(text) is None:
                self._note(f"a secret ({name})", name)
        else:
            for kind, part in parts_of(text, role):
                if kind is None:
                    self._sensitive.sub(part, lambda what, found: self._sensitively(what, found, name))
                elif not is_stand_in(kind, part):
                    self._note(f"a personal {kind}", name)
        if len(self.found) == before:
            self._clean.add((text, role))
        return text

    def _sensitively(self, what: Found, found: str, name: str) -> str:
        self._note(what, name)
        return found

    def _note(self, what: str, where: str) -> None:
        self.found.append(Leak(self._step, f"{what}", f"{self._part}: {where}"))
