"""Quick actions: what users do with a click on a record, described, with default values, and run.

The paths are documented; the keys of describe and of the results are those of the SOAP API's DescribeQuickActionResult
and QuickActionResult. What is assumed: that running one which creates a record answers 201, as creating one does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .api_records import Records
from .database import Database
from .fields import SObject, Value
from .layouts import layout
from .refusal import Refusal, not_found
from .transaction import Transaction
from .wire import Call, Json, Response, json_response
from .writer import Writer

QuickActionKind = Literal["Create", "Update", "LogACall"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickAction:
    """One action: on records of `context` (None: anywhere), it makes a `target`, or updates the record itself.

    `parent` is the field of the new record that refers to the record it was made from.
    """

    name: str
    label: str
    kind: QuickActionKind
    target: str
    context: str | None = None
    parent: str | None = None
    defaults: Mapping[str, Value] = field(default_factory=dict[str, Value])


SHIPPED = (
    QuickAction(name="LogACall", label="Log a Call", kind="LogACall", target="Task", defaults={"Subject": "Call"}),
    QuickAction(name="NewAccount", label="New Account", kind="Create", target="Account"),
    QuickAction(
        name="NewContact", label="New Contact", kind="Create", target="Contact", context="Account", parent="AccountId"
    ),
    QuickAction(
        name="Close", label="Close Case", kind="Update", target="Case", context="Case", defaults={"Status": "Closed"}
    ),
)  # fmt: skip


class QuickActions:
    """Answers quickActions and sobjects/X/quickActions, and what is below them."""

    def __init__(self, database: Database, records: Records, writer: Writer) -> None:
        self._actions = list(SHIPPED)
        self._database = database
        self._records = records
        self._writer = writer

    def add(self, action: QuickAction) -> None:
        """Add a quick action to the org."""
        self._actions.append(action)

    def everywhere(self, call: Call, base: str) -> Response:
        """List the actions that belong to no object."""
        return json_response([_listed(action, base, None) for action in self._actions if action.context is None])

    def of_object(self, call: Call, base: str, name: str) -> Response:
        """List the actions of an object's records, and those that belong to none."""
        sobject = self._with_pages(name)
        actions = [action for action in self._actions if action.context in {None, sobject.name}]
        return json_response([_listed(action, base, sobject.name) for action in actions])

    def one(self, call: Call, base: str, *names: str) -> Response:
        """Return an action as the list has it."""
        action, context = self._find(names)
        return json_response(_listed(action, base, context))

    def describe(self, call: Call, base: str, *names: str) -> Response:
        """Describe an action and its layout."""
        action, _ = self._find(names)
        target = self._records.sobject(action.target)
        shown = layout(self._database.schema, target)
        return json_response(
            {
                "accessLevelRequired": None, "canvasApplicationId": None, "canvasApplicationName": None, "colors": [],
                "contextSobjectType": action.context, "defaultValues": None, "flowDevName": None,
                "flowRecordIdVar": None, "height": None, "iconName": None, "iconUrl": None, "icons": [],
                "label": action.label,
                "layout": {"id": shown["id"], "layoutRows": [], "name": f"{action.label} Layout"},
                "lightningComponentBundleId": None, "miniIconUrl": None, "name": action.name,
                "showQuickActionLcHeader": False, "targetParentField": action.parent, "targetRecordTypeId": None,
                "targetSobjectType": target.name, "type": action.kind, "visualforcePageName": None,
                "visualforcePageUrl": None, "width": None,
            }
        )  # fmt: skip

    def default_values(self, call: Call, base: str, *names: str) -> Response:
        """Return the values that an action's new record begins with; the last name may be a record's id."""
        action, context = self._find(names[:-1] if self._is_id(names) else names)
        values: dict[str, object] = {"attributes": {"type": action.target}, **action.defaults}
        if self._is_id(names) and action.parent:
            record = self._records.live(self._records.sobject(context or ""), names[-1])
            values[action.parent] = record["Id"]
        return json_response(values)

    def run(self, call: Call, base: str, *names: str) -> Response:
        """Run an action on the record that `contextId` names, with the fields of `record`."""
        action, _ = self._find(names)
        content = call.json()
        if not isinstance(content, dict):
            raise Refusal(400, "JSON_PARSER_ERROR", "An object expected at [line:1, column:1]")
        given, about = content.get("record"), content.get("contextId")
        fields: dict[str, Json] = {**given} if isinstance(given, dict) else {}
        fields.pop("attributes", None)
        record_id = self._write(action, str(about or ""), {**action.defaults, **fields})
        made = action.kind != "Update"
        return json_response(
            {
                "contextId": about, "created": made, "errors": [], "feedItemIds": None, "ids": [record_id],
                "success": True, "successMessage": None,
            },
            201 if made else 200,
        )  # fmt: skip

    def _write(self, action: QuickAction, context_id: str, fields: Mapping[str, object]) -> str:
        target = self._records.sobject(action.target)
        if action.context is not None:
            self._records.live(self._records.sobject(action.context), context_id)
        with Transaction(self._database) as transaction:
            if action.kind == "Update":
                return self._writer.update(transaction, target, context_id, fields)
            parent = {action.parent: context_id} if action.parent else {}
            return self._writer.insert(transaction, target, {**fields, **parent})

    def _is_id(self, names: Sequence[str]) -> bool:
        return len(names[-1]) in {15, 18} and self._database.schema.of_id(names[-1]) is not None

    def _find(self, names: Sequence[str]) -> tuple[QuickAction, str | None]:
        """Return the action that a path names, and the object it was requested for."""
        context = self._with_pages(names[0]).name if len(names) > 1 else None
        for action in self._actions:
            if action.name.lower() == names[-1].lower() and action.context in {None, context}:
                return action, context
        raise not_found()

    def _with_pages(self, name: str) -> SObject:
        sobject = self._records.sobject(name)
        if not sobject.has_pages:
            raise not_found()
        return sobject


def _listed(action: QuickAction, base: str, context: str | None) -> dict[str, object]:
    own = f"{base}/sobjects/{context}/quickActions" if context else f"{base}/quickActions"
    url = f"{own}/{action.name}"
    urls = {"defaultValues": f"{url}/defaultValues", "quickAction": url, "describe": f"{url}/describe"}
    if context:
        urls["defaultValuesTemplate"] = f"{url}/defaultValues/{{ID}}"
    return {"label": action.label, "name": action.name, "type": action.kind, "urls": urls}
