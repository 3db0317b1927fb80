"""The tree of errors: codes for programs, and who must act."""

import ast
import copy
import pickle
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from orgsync import errors
from orgsync.errors import (
    ChangesNotReadable,
    ConfigurationProblem,
    FieldNotFound,
    NameUnknown,
    NetworkProblem,
    ObjectNotFound,
    OperatorProblem,
    OrgProblem,
    OrgsyncError,
    ProcessDied,
    ScriptProblem,
    SignInNeeded,
    TransientProblem,
)

ROOT = Path(__file__).parents[1]
SOURCES = [path for room in ("core", "cli", "syncs") for path in (ROOT / room).rglob("*.py")]
Node = TypeVar("Node", bound=ast.AST)
GROUPS = (OrgsyncError, ScriptProblem, OrgProblem, OperatorProblem, ConfigurationProblem, TransientProblem)


def classes(kind: type[OrgsyncError] = OrgsyncError) -> Iterator[type[OrgsyncError]]:
    """Give orgsync's own classes: a test may have declared another."""
    yield kind
    for each in kind.__subclasses__():
        if each.__module__.startswith("orgsync"):
            yield from classes(each)


def nodes(kind: type[Node]) -> Iterator[tuple[Path, Node]]:
    for path in SOURCES:
        for each in ast.walk(ast.parse(path.read_text())):
            if isinstance(each, kind):
                yield path, each


def name_of(expression: ast.expr) -> str:
    return ast.unparse(expression).rpartition(".")[2]


def documented() -> Iterator[tuple[str, str, str, str]]:
    """Give the group, code, class and exit code of every row of the documentation's tables."""
    group = ""
    for line in (ROOT / "docs" / "errors.md").read_text().splitlines():
        if line.startswith("## "):
            group = line.split("`")[1]
        if row := re.match(r"\| `(\w+)` \| `(\w+)` \| (\d) \| .+\. \| .+\. \|$", line):
            yield group, row[1], row[2], row[3]


def test_every_error_class_is_in_the_one_room_for_errors() -> None:
    names = {each.__name__ for each in classes()}
    assert names == set(errors.__all__)
    rooms = {path.parent for path, each in nodes(ast.ClassDef) if names & {name_of(base) for base in each.bases}}
    assert rooms == {ROOT / "core" / "orgsync" / "errors"}


def test_no_two_classes_have_one_code() -> None:
    counts = Counter(each.code for each in classes())
    assert [code for code, count in counts.items() if count > 1] == []
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in counts)


def test_a_class_without_a_code_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="code"):
        type("Nameless", (OrgsyncError,), {})


def test_every_code_is_documented_with_its_class_its_exit_code_and_who_must_act() -> None:
    shown = list(documented())
    assert len(shown) == len({code for _, code, _, _ in shown})
    assert {(code, name, exit_code) for _, code, name, exit_code in shown} == {
        (each.code, each.__name__, str(each.exit_code)) for each in classes() if each not in GROUPS
    }
    for group, _, name, _ in shown:
        assert issubclass(getattr(errors, name), getattr(errors, group)), name


def test_a_class_that_stands_for_a_group_is_never_raised() -> None:
    names = {each.__name__ for each in GROUPS}
    assert [(path, each.lineno) for path, each in nodes(ast.Call) if name_of(each.func) in names] == []


def test_a_field_that_is_missing_is_named_with_its_object_and_who_needs_it() -> None:
    error = FieldNotFound("Contact", "Level__c", needed_by="Person.level")
    assert (error.sobject, error.field) == ("Contact", "Level__c")
    assert error.cause.endswith("may not see it; Person.level needs it.")
    assert "Read on Contact.Level__c; or declare it with field(optional=True)" in error.remedy
    assert FieldNotFound("Contact", "X", reported_as="INVALID_FIELD").cause.endswith("may not see it (INVALID_FIELD).")


def test_an_object_that_is_missing_is_named_where_its_name_is_known() -> None:
    assert ObjectNotFound("Invoise__c").cause.startswith("The org has no object Invoise__c, or")
    assert ObjectNotFound(None, reported_as="INVALID_TYPE").cause.startswith("The org has no such object, or")


def test_a_connection_that_has_to_be_signed_in_again_is_named_with_the_reason() -> None:
    error = SignInNeeded.again("acme", "The refresh token was revoked.")
    assert error.cause == "The connection acme needs to be signed in again: The refresh token was revoked."
    assert error.remedy == "Run: orgsync connect acme"


@pytest.mark.parametrize("name", ["acem", "ACME", "Acme-", "ac_me"])
def test_an_unknown_name_is_answered_with_the_nearest_that_exists(name: str) -> None:
    error = NameUnknown.among("connection", name, ["beta", "acme"], none_yet="Create it.")
    assert error.cause == f"There is no connection {name!r}; did you mean 'acme'?"
    assert error.remedy == "What exists: acme, beta. List them: orgsync connections."
    assert error.remedy_elsewhere == "What exists: acme, beta."


def test_where_nothing_exists_the_remedy_is_to_create_it() -> None:
    error = NameUnknown.among("connection", "acme", [], none_yet="Create it.")
    assert (error.cause, error.remedy) == ("There is no connection 'acme'.", "Create it.")
    assert NameUnknown.among("connection", "acme", ["zzz"], none_yet="").cause == "There is no connection 'acme'."


@pytest.mark.parametrize(
    "error",
    [
        FieldNotFound("Contact", "Level__c", needed_by="Contact.level"),
        ObjectNotFound("Contact", reported_as="INVALID_TYPE"),
        ChangesNotReadable("Contact", instead="Read snapshots."),
        ProcessDied(),
        NetworkProblem("Cut short.", "Try again.", sent=False),
    ],
)
def test_an_error_survives_the_way_to_another_process(error: OrgsyncError) -> None:
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - its own bytes
        assert type(other) is type(error)
        assert (str(other), vars(other)) == (str(error), vars(error))


def test_a_wait_of_one_second_is_no_plural() -> None:
    assert errors.TooManyAttempts(1).remedy.startswith("Wait a second,")
    assert errors.TooManyAttempts(20).remedy.startswith("Wait 20 seconds,")
