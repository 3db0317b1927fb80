"""SOQL as text: literals, binds, select statements and what conditions depend on, from values to values."""

from .binds import bind, unbound
from .conditions import Condition, SemiJoin, condition_of, relationships_of, require_condition
from .literals import literal
from .select import contains, select

__all__ = [
    "Condition",
    "SemiJoin",
    "bind",
    "condition_of",
    "contains",
    "literal",
    "relationships_of",
    "require_condition",
    "select",
    "unbound",
]
