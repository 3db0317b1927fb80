"""composite/tree: records with their children, created all together or not at all."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from .api_records import Records
from .database import Database
from .fields import SObject
from .refusal import Refusal
from .transaction import Transaction
from .wire import Call, Json, Response, json_response
from .writer import Writer

Item = dict[str, Json]
MOST_RECORDS, MOST_TYPES, DEEPEST = 200, 5, 5


@dataclass(slots=True, eq=False)
class Node:
    """A record of a tree, below its parent, by the field that refers to it."""

    sobject: SObject
    reference: str
    fields: Item
    parent: "Node | None" = None
    field: str = ""
    record_id: str = ""


class _Broken(Exception):
    def __init__(self, node: Node, refusal: Refusal) -> None:
        self.node = node
        self.refusal = refusal


class Tree:
    """Answers composite/tree/X."""

    def __init__(self, database: Database, records: Records, writer: Writer) -> None:
        self._database = database
        self._records = records
        self._writer = writer

    def create(self, call: Call, base: str, name: str) -> Response:
        """Create trees of records: those of each level first."""
        content = call.json()
        items = content.get("records") if isinstance(content, dict) else None
        if not isinstance(items, list):
            raise Refusal(400, "JSON_PARSER_ERROR", "records expected at [line:1, column:1]")
        levels = list(self._levels(self._records.sobject(name), items))
        nodes = [node for level in levels for node in level]
        if len(nodes) > MOST_RECORDS or len({node.sobject.name for node in nodes}) > MOST_TYPES:
            text = f"The request exceeds {MOST_RECORDS} records or {MOST_TYPES} types"
            raise Refusal(400, "LIMIT_EXCEEDED", text)
        counted = Counter(node.reference for node in nodes)
        double = [node for node in nodes if counted[node.reference] > 1 or not node.reference]
        if double:
            text = "Duplicate ReferenceId provided in the request." if double[0].reference else (
                "Include a reference ID for each record in the request."
            )  # fmt: skip
            return _failed([(node, Refusal(400, "INVALID_INPUT", text, [])) for node in double])
        try:
            with Transaction(self._database) as transaction:
                for node in nodes:
                    self._create(transaction, node)
        except _Broken as broken:
            return _failed([(broken.node, broken.refusal)])
        results = [{"referenceId": node.reference, "id": node.record_id} for node in nodes]
        return json_response({"hasErrors": False, "results": results}, 201)

    def _create(self, transaction: Transaction, node: Node) -> None:
        parent = {} if node.parent is None else {node.field: node.parent.record_id}
        try:
            node.record_id = self._writer.insert(transaction, node.sobject, {**node.fields, **parent})
        except Refusal as refusal:
            raise _Broken(node, refusal) from None

    def _levels(self, sobject: SObject, items: list[Json]) -> Iterator[list[Node]]:
        level = [self._node(sobject, item, None) for item in items]
        for _ in range(DEEPEST):
            if not level:
                return
            yield level
            level = [child for node in level for child in self._children(node)]
        if level:
            raise Refusal(400, "LIMIT_EXCEEDED", f"The request exceeds {DEEPEST} levels")

    def _node(self, sobject: SObject, item: Json, parent: Node | None, field: str = "") -> Node:
        if not isinstance(item, dict):
            raise Refusal(400, "JSON_PARSER_ERROR", "Records must be objects at [line:1, column:1]")
        attributes = item.get("attributes")
        about = attributes if isinstance(attributes, dict) else {}
        if str(about.get("type", "")).lower() != sobject.name.lower():
            text = f"Include the entity type {sobject.name} in the attributes of the record"
            raise Refusal(400, "INVALID_INPUT", text)
        fields = {name: value for name, value in item.items() if name != "attributes"}
        return Node(sobject, str(about.get("referenceId") or ""), fields, parent, field)

    def _children(self, node: Node) -> list[Node]:
        """Take a node's children out of its fields."""
        found: list[Node] = []
        for child, field in self._database.schema.children(node.sobject):
            name = next((each for each in node.fields if each.lower() == (field.child_relationship or "").lower()), "")
            if name:
                inside = node.fields.pop(name)
                records = inside.get("records") if isinstance(inside, dict) else None
                if not isinstance(records, list):
                    raise Refusal(400, "JSON_PARSER_ERROR", f"{name} must have records at [line:1, column:1]")
                found += [self._node(child, item, node, field.name) for item in records]
        return found


def _failed(refusals: list[tuple[Node, Refusal]]) -> Response:
    results = [{"referenceId": node.reference, "errors": [refusal.item()]} for node, refusal in refusals]
    return json_response({"hasErrors": True, "results": results}, 400)
