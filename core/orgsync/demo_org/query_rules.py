"""What Salesforce refuses of a query whose text is right: joins where none may be, filters that an object demands.

The texts are those that real orgs were reported to respond with; that ActivityHistory and its kin are missing from
`_NOT_INSIDE` is because the demo org has no such objects.
"""

from .fields import Field, SObject
from .grammar import malformed
from .refusal import Refusal
from .resolve import Column, Resolver
from .syntax import Comparison, Condition, Conjunction, Disjunction, Negation, Path, Query, SemiJoin, conditions

MOST_JOINS = 2
_NOT_INSIDE = {"ContentDocumentLink", "Event", "Task"}


class Rules:
    """The rules that one query's conditions must keep."""

    def __init__(self, text: str, resolver: Resolver) -> None:
        self._text = text
        self._resolver = resolver

    def require_query(self, query: Query, sobject: SObject) -> None:
        """Refuse a query that the object does not take.

        Raises:
            Refusal: MALFORMED_QUERY.
        """
        if sobject.requires_filter and not any(
            self._is_demanded(part, query, sobject) for part in _joined_by_and(query.where)
        ):
            names = " or ".join(sobject.requires_filter)
            message = (
                f"Implementation restriction: {sobject.name} requires a filter by a single Id on {names} using the "
                "equals operator or multiple Id's using the IN operator."
            )
            raise Refusal(400, "MALFORMED_QUERY", message)
        if query.where is None:
            return
        every = list(conditions(query.where))
        if not sobject.disjunctions and any(isinstance(each, Disjunction) for each in every):
            raise Refusal(400, "MALFORMED_QUERY", "Disjunctions not supported")
        self._require_joins_on_top(query.where, [each for each in every if isinstance(each, SemiJoin)])

    def require_join(self, join: SemiJoin, left: Column, outer: SObject) -> None:
        """Refuse a semi-join that Salesforce does not take; `left` is the field that is compared."""
        inner = join.query
        if left.parents:
            raise malformed(
                self._text, join.path.at, "The left operand cannot have more than one level of relationships"
            )
        sobject = self._resolver.sobject(inner.source, inner.source_at)
        if sobject.name in _NOT_INSIDE:
            message = f"Entity '{sobject.name}' is not supported for semi join inner selects"
            raise malformed(self._text, inner.source_at, message)
        if sobject.name == outer.name:
            message = "The inner and outer selects should not be on the same object type"
            raise malformed(self._text, inner.source_at, message)
        if inner.where is not None and any(isinstance(each, SemiJoin) for each in conditions(inner.where)):
            raise malformed(self._text, inner.source_at, "Nesting of semi join sub-selects is not supported")
        selected = self._selected(inner, sobject)
        if not _kinds(left.field, outer) & _kinds(selected, sobject):
            message = (
                f"The selected field '{selected.name}' in the subquery and the left operand field in the where "
                f"expression in the outer query '{left.field.name}' should point to the same object type"
            )
            raise malformed(self._text, join.path.at, message)

    def _selected(self, inner: Query, sobject: SObject) -> Field:
        if inner.group or inner.order or inner.limit is not None or inner.offset:
            raise malformed(self._text, inner.source_at, "unexpected token: a sub-select takes no more than WHERE")
        if len(inner.select) != 1 or not isinstance(inner.select[0], Path):
            raise malformed(self._text, inner.source_at, "semi join sub-selects can only query one field")
        path = inner.select[0]
        column = self._resolver.column(sobject, path, inner.alias)
        if column.parents:
            message = "The inner select field cannot have more than one level of relationships"
            raise malformed(self._text, path.at, message)
        return column.field

    def _require_joins_on_top(self, where: Condition, joins: list[SemiJoin]) -> None:
        on_top = [part for part in _joined_by_and(where) if isinstance(part, SemiJoin)]
        if len(joins) > len(on_top):
            inside = next(join for join in joins if join not in on_top)
            if isinstance(where, Disjunction):
                message = "Semi join sub-selects are not allowed with the 'OR' operator"
            else:
                message = (
                    "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested "
                    "WHERE expressions."
                )
            raise malformed(self._text, inside.path.at, message)
        if len(joins) > MOST_JOINS:
            message = f"Maximum {MOST_JOINS} semi join sub-selects are allowed"
            raise malformed(self._text, joins[MOST_JOINS].path.at, message)

    def _is_demanded(self, part: Condition, query: Query, sobject: SObject) -> bool:
        """Return whether a condition compares a field that the object requires with Ids."""
        if not isinstance(part, Comparison | SemiJoin) or part.operator not in {"=", "in"}:
            return False
        if not isinstance(part.path, Path):
            return False
        column = self._resolver.column(sobject, part.path, query.alias)
        return not column.parents and column.field.name in sobject.requires_filter


def _joined_by_and(where: Condition | None) -> list[Condition]:
    """Return the conditions of which all must be true, through every parenthesis."""
    if isinstance(where, Conjunction):
        return [inner for part in where.parts for inner in _joined_by_and(part)]
    return [] if where is None or isinstance(where, Negation) else [where]


def _kinds(field: Field, sobject: SObject) -> set[str]:
    return {sobject.name} if field.type == "id" else set(field.targets)
