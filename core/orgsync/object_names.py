"""Python names and tables for Salesforce's objects: a record class, a sync, a table."""

import builtins
import keyword
import re
import unicodedata

from .column_names import table_name

__all__ = ["class_name", "object_table", "snake", "sync_name", "words"]

_OTHER = re.compile(r"[^a-z0-9]+")
_VOWELS = "aeiou"

_USED_IN_MODULE = frozenset({"Batches", "Context", "Record", "date", "datetime", "field", "sync", "time"})

_TABLES_TAKEN = ("sqlite_", "orgsync_")


def class_name(sobject: str) -> str:
    """Return a name for an object's record class: `Invoice__c` is `Invoice`, `ns__Invoice__Share` is `InvoiceShare`."""
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", _core(sobject)) if part]
    name = "".join(part[0].upper() + part[1:] for part in parts)
    if not name or name[0].isdigit():
        name = f"Object{name}"
    if keyword.iskeyword(name) or hasattr(builtins, name) or name in _USED_IN_MODULE:
        name = f"{name}Row"
    return f"My{name}" if table_name(name).startswith(_TABLES_TAKEN) else name


def object_table(sobject: str) -> str:
    """Return the table of an object's record class: `ns__Invoice__c` is kept in `invoice`."""
    return table_name(class_name(sobject))


def sync_name(plural: str, sobject: str) -> str:
    """Return a name for an object's sync: its plural label, or its API name where the label is not of Latin letters."""
    decomposed = unicodedata.normalize("NFKD", plural)
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    name = "" if any(letter.isalnum() and not letter.isascii() for letter in letters) else snake(letters)
    if not name or name[0].isdigit():
        name = _plural(object_table(sobject))
    if keyword.iskeyword(name) or hasattr(builtins, name) or name in _USED_IN_MODULE:
        return f"{name}_rows"
    return name


def snake(text: str) -> str:
    """Return words in snake_case, of ASCII letters and digits alone; a label's words are separate already."""
    return words(text if " " in text.strip() else table_name(text))


def words(text: str) -> str:
    """Return a text in lower case, with one underscore for each stretch of other characters."""
    return _OTHER.sub("_", text.lower()).strip("_")


def _core(sobject: str) -> str:
    """Return an object's name without namespace, and without suffix unless it is Share, History and the like."""
    segments = sobject.split("__")
    if len(segments) == 1:
        return sobject
    return segments[-2] if segments[-1].islower() else "_".join(segments[-2:])


def _plural(noun: str) -> str:
    """Return the plural by the rules of English; what ends in a single s is taken for one."""
    if noun.endswith("y") and noun[-2:-1] not in _VOWELS:
        return f"{noun[:-1]}ies"
    if noun.endswith("s") and not noun.endswith("ss"):
        return noun
    return f"{noun}es" if noun.endswith(("ss", "x", "z", "ch", "sh")) else f"{noun}s"
