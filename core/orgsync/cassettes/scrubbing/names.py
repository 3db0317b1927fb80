"""The names that secrets, hosts and ids get in a cassette: a word for the kind of each, and its number."""

from collections.abc import Mapping

from orgsync.records import long_id

from .org_facts import OrgFacts
from .stand_ins import numbered_id

__all__ = ["Names"]


class Names:
    """Number secrets, hosts and ids of each kind, in the order in which they are first named.

    `reached` are the highest numbers that are given already, by kind.
    """

    def __init__(self, facts: OrgFacts, reached: Mapping[str, int]) -> None:
        self._facts = facts
        self._reached = dict(reached)
        self._secrets: dict[str, str] = {}
        self._hosts: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def secret(self, text: str, kind: str) -> str:
        """Return a secret's name, such as `ACCESS-TOKEN-1`; one that has a name keeps it, whatever `kind` is."""
        if text not in self._secrets:
            self._secrets[text] = f"{kind}-{self._next(kind)}"
        return self._secrets[text]

    def host(self, host: str) -> str:
        """Return a host's name, such as `instance-1.test`; the first to sign in at is `login.test`."""
        if host not in self._hosts:
            facts = self._facts
            kind = "instance" if host in facts.instances else "login" if host in facts.logins else "other"
            number = self._next(kind)
            self._hosts[host] = "login.test" if kind == "login" and number == 1 else f"{kind}-{number}.test"
        return self._hosts[host]

    def id(self, real: str) -> str:
        """Return a made-up id for an org or a user, of 15 or 18 characters as the real one."""
        short = real[:15]
        if short not in self._ids:
            self._ids[short] = numbered_id(short[:3], self._next(short[:3]))
        return self._ids[short] if len(real) == 15 else long_id(self._ids[short])

    def _next(self, kind: str) -> int:
        self._reached[kind] = number = self._reached.get(kind, 0) + 1
        return number
