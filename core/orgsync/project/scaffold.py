"""Writing a sync for an object from the org's describe of it.

Which fields the record class has is decided in `orgsync.scripts.object_fields`. The text is laid out so that a
formatter leaves it as it is at 88 places a line and at more.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orgsync.column_names import table_name
from orgsync.errors import FileUnusable, NameTaken
from orgsync.extract.query_rules import demands_filter
from orgsync.object_names import class_name, sync_name
from orgsync.records import schema_of
from orgsync.records.field_options import path_of
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.describe import FieldDescribe, ObjectDescribe
from orgsync.scripts.discovery import list_syncs
from orgsync.scripts.field_names import field_names, parent_field_name
from orgsync.scripts.loading import load_scripts, record_classes
from orgsync.scripts.object_fields import (
    KNOWN_FILTERS,
    copied_fields,
    described_object,
    kind_of,
    left_out_of,
    read_by_changes,
)

__all__ = ["NewScript", "compose", "is_found", "require_room", "script_for", "write"]

_NOT_WORTH_A_HINT = frozenset({"MasterRecord", "CreatedBy", "LastModifiedBy"})
_LINE = 88
_LONGEST_LINE = 120
_LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True)
class NewScript:
    """A script with one sync, and facts to report about it.

    `fields` is how many the record class has; `left_out` names those that it could have had, by why not: compound,
    binary, deprecated. Where the object's changes cannot be read, `by_changes` is False, and each run reads all of it.
    """

    name: str
    sobject: str
    model: str
    text: str
    fields: int
    left_out: Mapping[str, Sequence[str]]
    by_changes: bool


@dataclass(frozen=True, slots=True)
class _Column:
    """A line of the record class: a field and its Python name."""

    name: str
    field: FieldDescribe

    @property
    def type(self) -> str:
        """The Python type of its values."""
        kind = kind_of(self.field)
        return "dict[str, object]" if kind is dict else kind.__name__

    @property
    def follows_rule(self) -> bool:
        """Whether the field's name follows from the Python name."""
        return path_of(self.name) == self.field.name

    def lines(self) -> Iterator[str]:
        """Yield the line, or three where it would be too long."""
        start = f"    {self.name}: {self.type}{' | None' if self.field.nillable else ''}"
        path = _quoted(self.field.name)
        line = start if self.follows_rule else f"{start} = field({path})"
        yield from [line] if len(line) <= _LINE else [f"{start} = field(", f"        {path},", "    )"]


async def script_for(client: Client, sobject: str, only: Sequence[str] = ()) -> NewScript:
    """Describe an object and write a sync of it, with these fields alone where any are named; costs two calls.

    Raises NameUnknown for an object or a field that the org does not show (with the nearest that it does),
    and for what queries cannot read.
    """
    described = await described_object(client, sobject)
    by_changes = read_by_changes(described)
    return compose(described, by_changes=by_changes, only=only)


def compose(described: ObjectDescribe, *, by_changes: bool, only: Sequence[str] = ()) -> NewScript:
    """Write the sync of an object as it was described; raises NameUnknown for a field that it cannot have."""
    left_out = dict[str, list[str]]()
    for path, why in left_out_of(described).items() if not only else ():
        left_out.setdefault(why, []).append(path)
    fields = copied_fields(described, only)
    names = field_names(each.name for each in described.fields.values())
    columns = [_Column(names[each.name], each) for each in fields]
    model, name = class_name(described.name), sync_name(described.plural, described.name)
    lines = [
        *_opening(described, model, columns, by_changes=by_changes),
        *_record_class(described, model, columns, set(names.values())),
        *_function(name, model, described.name, by_changes=by_changes),
    ]
    return NewScript(name, described.name, model, "\n".join(lines) + "\n", len(columns), left_out, by_changes)


def is_found(path: Path, folder: Path) -> bool:
    """Return whether a file is among the scripts of a project."""
    return path.parent.resolve() == folder.resolve() and path.suffix == ".py" and not path.name.startswith("_")


def require_room(script: NewScript, path: Path, folder: Path) -> str:
    """Raise NameTaken where another script of the project has the sync's name, or a class for its table.

    The file at the path itself does not count: it is to be replaced. Return the module of the installed sync of that
    name, whose place the new one takes; "" where there is none.
    """
    namesake = next((found for found in list_syncs(folder) if found.name == script.name), None)
    own = namesake is not None and Path(namesake.where).suffix == ".py"
    if namesake and own and Path(namesake.where).resolve() != path.resolve():
        raise NameTaken(
            f"{namesake.where} has a sync called {script.name} already; nothing was written.",
            "Add the fields there, or give that sync another name: @sync(name=...).",
        )
    table = table_name(script.model)
    if holder := _holder_of(table, path, folder):
        raise NameTaken(
            f"{holder} has a record class for the table {table} already; nothing was written.",
            'Add the fields there, or give that class a table of its own: __tablename__ = "...".',
        )
    return namesake.where if namesake and not own else ""


def write(script: NewScript, path: Path, *, replace: bool = False) -> None:
    """Write the script to a file; raises NameTaken for one that exists, unless it may be replaced."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if replace else "x", encoding="utf-8", newline="\n") as file:
            file.write(script.text)
    except OSError as error:
        if isinstance(error, FileExistsError) and path.exists():
            raise NameTaken(
                f"{path} exists already; nothing was written.", "Replace it with --force, or write to --output FILE."
            ) from error
        reason = error.strerror or type(error).__name__
        raise FileUnusable(f"{path} cannot be written: {reason}.", "Choose another with --output FILE.") from error


def _holder_of(table: str, path: Path, folder: Path) -> Path | None:
    """Return the script that has a record class for a table: where it is defined, before where it is imported."""
    holders: list[tuple[bool, Path]] = []
    for script in load_scripts(folder):
        if script.module is None or script.path.resolve() == path.resolve():
            continue
        home = script.module.__name__
        replaced = f"{home.rpartition('.')[0]}.{path.stem}" if is_found(path, folder) else ""
        models = [model for model in record_classes(script.module) if schema_of(model).table == table]
        holders += [(model.__module__ != home, script.path) for model in models if model.__module__ != replaced]
    return min(holders)[1] if holders else None


def _opening(described: ObjectDescribe, model: str, columns: Sequence[_Column], *, by_changes: bool) -> Iterator[str]:
    """Yield the docstring and the imports that the columns need."""
    how = "kept up to date every fifteen minutes" if by_changes else "read whole once a day"
    yield from (f'"""{_label(described.plural) or model}, {how}."""', "")
    types = {each.type for each in columns} & {"date", "datetime", "time"}
    if types:
        yield from (f"from datetime import {', '.join(sorted(types))}", "")
    yield f"from orgsync import Batches, Context, Record, {'field, ' if _name_paths(columns) else ''}sync"


def _record_class(
    described: ObjectDescribe, model: str, columns: Sequence[_Column], taken: Collection[str]
) -> Iterator[str]:
    yield from (
        "",
        "",
        f"class {model}(Record, table=True):",
        f'    """One row of {_label(described.name) or model}."""',
    )
    if described.name != model:
        yield from ("", f"    __sobject__ = {_quoted(described.name)}")
    if columns:
        yield ""
    lookup, hint = _hint(columns, taken)
    for each in columns:
        yield from each.lines()
        if each is lookup:
            yield hint


def _name_paths(columns: Sequence[_Column]) -> bool:
    """Return whether any column needs `field(...)`."""
    return any(not each.follows_rule for each in columns)


def _hint(columns: Sequence[_Column], taken: Collection[str]) -> tuple[_Column | None, str]:
    """Return a comment that shows how a parent's field is written, and the lookup that it stands below."""
    for each in columns:
        relationship = each.field.relationship
        if relationship and len(each.field.refers_to) == 1 and relationship not in _NOT_WORTH_A_HINT:
            name = parent_field_name(relationship, taken)
            line = f"    # {name}: str | None = field({_quoted(f'{relationship}.Name')})  # a parent's field"
            line += "" if _name_paths(columns) else "; import field from orgsync"
            return (each, line) if len(line) <= _LONGEST_LINE else (None, "")
    return None, ""


def _function(name: str, model: str, sobject: str, *, by_changes: bool) -> Iterator[str]:
    yield from ("", "", '@sync(every="15m", reconcile="1d")' if by_changes else '@sync(every="1d")')
    line = f"def {name}(ctx: Context) -> Batches[{model}]:"
    yield from [line] if len(line) <= _LINE else [f"def {name}(", "    ctx: Context,", f") -> Batches[{model}]:"]
    if by_changes:
        yield '    """Every row that changed since the last run, deletions included."""'
    else:
        yield '    """Every row there is; those that are missing are marked deleted."""'
    if demands_filter(sobject):
        where = KNOWN_FILTERS.get(sobject, "...")
        yield f"    # Salesforce refuses {sobject} without a filter of a certain form: where= has to give it one."
        yield f"    return ctx.snapshot({model}, where={_quoted(where)})"
    else:
        yield f"    return ctx.{'changes' if by_changes else 'snapshot'}({model})"


def _label(label: str) -> str:
    """Return an administrator's label so that it can stand in a docstring; "" for one that is too long."""
    plain = "".join(letter if letter.isprintable() else " " for letter in label)
    plain = " ".join(plain.replace('"', "'").replace("\\", "/").split())
    return plain if len(plain.encode()) <= _LONGEST_LABEL else ""


def _quoted(text: str) -> str:
    """Return a text as a Python literal."""
    escaped = text.encode("unicode_escape").decode().replace('"', '\\"')
    return f'"{escaped}"'
