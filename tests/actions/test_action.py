"""The decorator: what it takes, what it refuses, and what a signature says."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from orgsync import Action, Org, action
from orgsync.errors import ArgumentInvalid, ResultInvalid, ScriptNotLoaded


class Line(BaseModel):
    product: str
    quantity: int = 1


@action
async def order(
    org: Org,
    account_id: str,
    lines: list[Line],
    due: date,
    schema: str | None = None,
    model_of: Literal["new", "old"] = "new",
    discount: Annotated[float, Field(ge=0, le=1)] = 0.0,
) -> dict[str, int]:
    """Order products.

    More of it.
    """
    return {"lines": len(lines)}


def made(source: str) -> Any:
    """Make a function that no type checker would let stand."""
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102 - a text of this file
    return next(value for name, value in names.items() if name[0] != "_")


def refused(function: Any, decorate: Callable[[Any], Any] = action) -> str:
    with pytest.raises(ScriptNotLoaded) as caught:
        decorate(function)
    return str(caught.value)


def test_an_action_is_named_and_summed_up_by_its_function() -> None:
    assert (order.name, order.summary, order.kind) == ("order", "Order products.", "action")
    assert [each.name for each in order.parameters] == [
        *("account_id", "lines", "due", "schema", "model_of", "discount"),
    ]
    assert action(name="buy")(order.function).name == "buy"


def test_arguments_become_what_the_signature_says_and_what_is_absent_stays_so() -> None:
    bound = order.bound({"account_id": "001", "lines": [{"product": "A"}], "due": "2026-11-28", "discount": "0.5"})
    assert bound == {"account_id": "001", "lines": [Line(product="A")], "due": date(2026, 11, 28), "discount": 0.5}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"acount_id": "001"}, "The action order takes no argument acount_id. Did you mean account_id?"),
        ({"account_id": "001"}, "The action order needs lines, due."),
        ({"account_id": 1, "lines": [], "due": "2026-11-28"}, "account_id: input should be a valid string"),
        ({"account_id": "1", "lines": [{"quantity": "many"}], "due": "2026-11-28"}, "lines.0.product: field required"),
        ({"account_id": "1", "lines": [{"product": "A", "quantity": "many"}], "due": "2026-11-28"}, "lines.0.quantity"),
        ({"account_id": "1", "lines": [], "due": "tomorrow"}, "due: input should be a valid date"),
        ({"account_id": "1", "lines": [], "due": "2026-11-28", "discount": 2}, "discount: input should be less than"),
    ],
)
def test_wrong_arguments_are_named_without_their_values(given: dict[str, Any], text: str) -> None:
    with pytest.raises(ArgumentInvalid) as caught:
        order.bound(given)
    assert text in str(caught.value)
    assert "many" not in str(caught.value)
    assert "tomorrow" not in str(caught.value)


def test_a_result_of_another_type_is_named_without_its_value() -> None:
    assert order.types.returned({"lines": 3}) == ({"lines": 3}, {"lines": 3})
    with pytest.raises(ResultInvalid, match=r"lines: input should be a valid integer") as caught:
        order.types.returned({"lines": "Lovelace"})
    assert "Lovelace" not in str(caught.value)


def test_a_result_that_json_has_no_form_for_is_refused() -> None:
    async def odd(org: Org) -> dict[str, Any]:
        return {}

    with pytest.raises(ResultInvalid, match="what JSON has no form for"):
        action(odd).types.returned({"it": object()})


def test_the_schemas_are_json_schema_of_arguments_and_result() -> None:
    taken, returned = order.types.schemas()
    assert taken["required"] == ["account_id", "lines", "due"]
    assert taken["additionalProperties"] is False
    assert taken["properties"]["due"] == {"format": "date", "type": "string"}
    assert taken["properties"]["model_of"] == {"default": "new", "enum": ["new", "old"], "type": "string"}
    assert returned == {"additionalProperties": {"type": "integer"}, "type": "object"}


def test_functions_that_cannot_be_actions_are_refused_with_what_to_write() -> None:
    def plain(org: Org) -> None: ...

    async def generator(org: Org) -> Any:
        yield 1

    async def nothing() -> None: ...

    async def many(org: Org, *ids: str) -> None: ...

    async def named(org: Org, **names: str) -> None: ...

    async def reserved(org: Org, connection: str) -> None: ...

    assert "is a `def`" in refused(plain)
    assert "yields" in refused(generator)
    assert "takes no org" in refused(nothing)
    assert "case_id of the action untyped has no type" in refused(made("async def untyped(org, case_id) -> None: ..."))
    assert "does not say what it returns" in refused(made("async def unsaid(org): ..."))
    assert "takes *ids" in refused(many)
    assert "takes **names" in refused(named)
    assert "parameter connection" in refused(reserved)
    assert "the class Line" in refused(Line)
    assert '@action(name="close")' in refused("close")


def test_a_type_that_cannot_be_checked_is_the_actions_problem() -> None:
    class Odd:
        pass

    async def odd(org: Org, it: Odd) -> None: ...

    async def calls(org: Org, it: Callable[[], int]) -> None: ...

    async def returns(org: Org) -> Callable[[], int]:
        return int

    made_of: list[Action[..., Any]] = [action(odd), action(calls), action(returns)]
    for found in made_of:
        assert "cannot be checked" in str(found.problem)
    assert order.problem is None


def test_a_default_that_is_not_of_its_type_is_the_actions_problem() -> None:
    late: Action[..., None] = action(made("async def late(org, note: str = None) -> None: ..."))
    text: Action[..., None] = action(made("async def text(org, number: int = '5') -> None: ..."))
    assert "late is not of its type: note: input should be a valid string" in str(late.problem)
    assert "text is not of its type: number: input should be a valid integer" in str(text.problem)


def test_a_type_for_type_checkers_alone_is_named() -> None:
    late = made("async def late(org, when: 'Moment') -> None: ...")
    found: Action[..., None] = action(late)
    assert "Moment" in str(found.problem)
