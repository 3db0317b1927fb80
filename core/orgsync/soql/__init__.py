"""SOQL as text: literals, binds and select statements, from values to values."""

from .binds import bind
from .literals import literal
from .select import contains, parents_of, select

__all__ = ["bind", "contains", "literal", "parents_of", "select"]
