"""Invocable actions: flows and Apex methods that an org's people have made, here one of each and those of tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from .database import Database
from .refusal import Refusal, not_found
from .transaction import Transaction
from .wire import Call, Json, Response, json_response

ActionKind = Literal["flow", "apex"]
Run = Callable[[Mapping[str, Json]], Mapping[str, object]]
"""What an action does: a function from its inputs to its outputs; a Refusal is its error."""

_FINISHED = "Flow__InterviewStatus"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocableAction:
    """One action; inputs and outputs are given by name and type, e.g. `{"recordId": "STRING"}`."""

    name: str
    label: str
    kind: ActionKind
    run: Run
    inputs: Mapping[str, str] = field(default_factory=dict[str, str])
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    required: frozenset[str] = frozenset()


class Actions:
    """Answers actions and what is below it, but for the standard actions."""

    def __init__(self, database: Database) -> None:
        self._actions: dict[tuple[str, str], InvocableAction] = {}
        for action in shipped(database):
            self.add(action)

    def add(self, action: InvocableAction) -> None:
        """Add an action to the org."""
        self._actions[action.kind, action.name.lower()] = action

    def kinds(self, call: Call, base: str) -> Response:
        """List the groups of actions that are served."""
        return json_response({"custom": f"{base}/actions/custom"})

    def custom(self, call: Call, base: str) -> Response:
        """List the kinds of custom actions."""
        return json_response({kind: f"{base}/actions/custom/{kind}" for kind in ("apex", "flow")})

    def every(self, call: Call, base: str, kind: str) -> Response:
        """List the actions of a kind."""
        actions = [action for action in self._actions.values() if action.kind == kind]
        listed = [
            {
                "label": action.label,
                "name": action.name,
                "type": action.kind.upper(),
                "url": f"{base}/actions/custom/{kind}/{action.name}",
            }
            for action in actions
        ]
        return json_response({"actions": listed})

    def describe(self, call: Call, base: str, kind: str, name: str) -> Response:
        """Return what an action takes and gives."""
        action = self._find(kind, name)
        outputs = {**action.outputs, **({_FINISHED: "PICKLIST"} if kind == "flow" else {})}
        return json_response(
            {
                "description": None, "inputs": [_parameter(name, of, action) for name, of in action.inputs.items()],
                "label": action.label, "name": action.name,
                "outputs": [_parameter(name, of, None) for name, of in outputs.items()], "standard": False,
                "targetEntityName": None, "type": action.kind.upper(),
            }
        )  # fmt: skip

    def run(self, call: Call, base: str, kind: str, name: str) -> Response:
        """Run an action once for each of its inputs; 400 where one of them fails."""
        action = self._find(kind, name)
        content = call.json()
        inputs = content.get("inputs") if isinstance(content, dict) else None
        if not isinstance(inputs, list) or not all(isinstance(each, dict) for each in inputs):
            raise Refusal(400, "JSON_PARSER_ERROR", "inputs expected at [line:1, column:1]")
        given = [each for each in inputs if isinstance(each, dict)]
        results = [self._once(action, each) for each in given or [{}]]
        return json_response(results, 200 if all(result["isSuccess"] for result in results) else 400)

    def _once(self, action: InvocableAction, given: Mapping[str, Json]) -> dict[str, object]:
        try:
            for name in sorted(action.required):
                if given.get(name) in {None, ""} if not isinstance(given.get(name), dict | list) else False:
                    raise Refusal(400, "INVALID_API_INPUT", f"Missing required input parameter: {name}", [])
            unknown = next((name for name in given if name not in action.inputs), None)
            if unknown is not None:
                raise Refusal(400, "INVALID_API_INPUT", f"The input parameter is unknown: {unknown}", [])
            outputs = {**action.run(given), **({_FINISHED: "Finished"} if action.kind == "flow" else {})}
        except Refusal as refusal:
            return {"actionName": action.name, "errors": [refusal.item()], "isSuccess": False, "outputValues": None}
        return {"actionName": action.name, "errors": None, "isSuccess": True, "outputValues": outputs}

    def _find(self, kind: str, name: str) -> InvocableAction:
        action = self._actions.get((kind, name.lower()))
        if action is None:
            raise not_found()
        return action


def shipped(database: Database) -> tuple[InvocableAction, ...]:
    """Return the actions that every demo org has: a flow that escalates a case, and a method that rates an account."""

    def escalate(given: Mapping[str, Json]) -> Mapping[str, object]:
        with Transaction(database) as transaction:
            transaction.update("Case", str(given["caseId"]), Priority="High", IsEscalated=True)
        return {"priority": "High"}

    def rate(given: Mapping[str, Json]) -> Mapping[str, object]:
        with Transaction(database) as transaction:
            transaction.update("Account", str(given["accountId"]), Rating=given.get("rating") or "Warm")
        return {"output": given.get("rating") or "Warm"}

    return (
        InvocableAction(
            name="Escalate_Case", label="Escalate Case", kind="flow", run=escalate, inputs={"caseId": "STRING"},
            outputs={"priority": "STRING"}, required=frozenset({"caseId"}),
        ),
        InvocableAction(
            name="AccountRating", label="Rate an Account", kind="apex", run=rate,
            inputs={"accountId": "ID", "rating": "STRING"}, outputs={"output": "STRING"},
            required=frozenset({"accountId"}),
        ),
    )  # fmt: skip


def _parameter(name: str, of: str, action: InvocableAction | None) -> dict[str, object]:
    shown: dict[str, object] = {
        "byteLength": 0, "description": None, "label": name, "maxOccurs": 1, "name": name, "picklistValues": None,
        "sobjectType": None, "type": of,
    }  # fmt: skip
    return shown if action is None else {**shown, "required": name in action.required}
