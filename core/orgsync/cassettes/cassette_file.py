"""A cassette as a file: YAML that is read by people in a review, and written and read here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import parse_qsl, urlencode

import yaml

from orgsync.errors import CassetteInvalid
from orgsync.records import parse_instant, to_stored
from orgsync.salesforce.auth.credentials import Grant
from orgsync.store import Environment

from .interaction import Interaction, RecordedRequest, RecordedResponse
from .json_layout import laid_out
from .step_names import told

__all__ = ["Cassette", "RecordedConnection", "read_cassette", "write_cassette"]

_VERSION = 1
_FORM = "application/x-www-form-urlencoded"
_HEADING = """\
# What orgsync said over HTTP and what it was answered, in order; tests replay it. {origin}
# Secrets, hosts, org and user ids and personal data are stand-ins. To record it anew: pytest --record.
"""


@dataclass(frozen=True, slots=True)
class RecordedConnection:
    """What a replay must know of the connection: how it signs in, to what kind of org, and which API it speaks."""

    grant: Grant = "refresh-token"
    environment: Environment = "production"
    api_version: str = "62.0"


@dataclass(frozen=True, slots=True)
class Cassette:
    """Interactions in the order of their answers, the connection they were made on, and where they come from."""

    interactions: tuple[Interaction, ...]
    connection: RecordedConnection = RecordedConnection()
    origin: str = ""


def write_cassette(path: Path, cassette: Cassette) -> None:
    """Write a cassette, its folder too, whole or not at all."""
    text = _HEADING.format(origin=cassette.origin).replace(" \n", "\n") + _dumped(_document(cassette))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def read_cassette(path: Path) -> Cassette:
    """Read a cassette; raises CassetteInvalid for one that is no cassette or has lost a step of its contents."""
    try:
        document = yaml.load(path.read_bytes(), Loader=_LOADER)  # noqa: S506 - a safe loader, in C where there is one
        cassette = _cassette(document)
        contents = _contents(document)
    except FileNotFoundError:
        raise CassetteInvalid(
            f"There is no cassette {path}.", "Record it: pytest --record --connection NAME."
        ) from None
    except OSError as error:
        cause = f"{path} cannot be read: {error.strerror or type(error).__name__}."
        raise CassetteInvalid(cause, "Make it a file that you may read.") from None
    except (
        yaml.YAMLError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        cause = f"{path} is not a cassette{_reason(error)}."
        raise CassetteInvalid(cause, "Correct it, or record it anew: pytest --record.") from None
    if contents is not None:
        _require_whole(path, contents, [told(each) for each in cassette.interactions])
    return cassette


class _Odd(ValueError):
    """What a file has that a cassette has not, in words."""


def _reason(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f": line {error.problem_mark.line + 1}, {error.problem}"
    if isinstance(error, KeyError):
        return f": something in it has no {error.args[0]}"
    return f": {error}" if isinstance(error, _Odd) else ""


def _contents(document: Mapping[str, Any]) -> list[str] | None:
    lines = document.get("contents")
    if lines is not None and not isinstance(lines, list):
        raise _Odd("its contents are no list")
    return None if lines is None else [str(line) for line in cast("list[object]", lines)]


def _require_whole(path: Path, contents: Sequence[str], steps: Sequence[str]) -> None:
    """Raise CassetteInvalid, with the step's name, where the interactions are not those of the contents."""
    for kind, first, last, other, end in SequenceMatcher(None, contents, steps, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        missing, odd = contents[first:last], steps[other:end]
        what = f"Step {first + 1} of {len(contents)}, {missing[0]}, is missing from {path}" if missing else ""
        if odd:
            is_there = f"{odd[0]} is there as step {other + 1}"
            what = f"{what}; {is_there}" if what else f"{path} has a step that its contents have not: {is_there}"
        raise CassetteInvalid(f"{what}.", "Record it anew; or, if you mean it, change its contents as well.")


def _document(cassette: Cassette) -> dict[str, Any]:
    about = cassette.connection
    return {
        "version": _VERSION,
        "connection": {
            "grant": about.grant,
            "environment": about.environment,
            "api_version": about.api_version,
        },
        "contents": [told(each) for each in cassette.interactions],
        "interactions": [_step(each, number) for number, each in enumerate(cassette.interactions)],
    }


def _step(interaction: Interaction, number: int) -> dict[str, Any]:
    request, response = interaction.request, interaction.response
    sent: dict[str, Any] = {"method": request.method, "uri": request.origin + request.path}
    if request.query:
        sent["query"] = _named(request.query)
    if request.headers:
        sent["headers"] = dict(request.headers)
    form = _form(request)
    if form:
        sent["form"] = _named(form)
    elif request.body:
        sent["body"] = laid_out(request.body)
    sent["at"] = to_stored(interaction.at)
    if interaction.after != number:
        sent["after"] = interaction.after
    got: dict[str, Any] = {"status": response.status}
    if response.reason:
        got["reason"] = response.reason
    got["headers"] = dict(response.headers)
    if response.body:
        got["body"] = laid_out(response.body) if isinstance(response.body, str) else response.body
    return {"request": sent, "response": got}


def _form(request: RecordedRequest) -> list[tuple[str, str]]:
    """Take a form apart; what would be another text when it is put together again is none."""
    if not request.headers.get("content-type", "").startswith(_FORM):
        return []
    form = parse_qsl(request.body, keep_blank_values=True)
    return form if urlencode(form) == request.body else []


def _named(pairs: Sequence[tuple[str, str]]) -> dict[str, str] | list[list[str]]:
    """Give pairs as a mapping, or where a name stands twice, as a list."""
    named = dict(pairs)
    return named if len(named) == len(pairs) else [list(pair) for pair in pairs]


def _cassette(document: Any) -> Cassette:
    if document["version"] != _VERSION:
        raise _Odd(f"it is of version {document['version']}, and this orgsync reads version {_VERSION}")
    return Cassette(
        tuple(_interaction(each, number) for number, each in enumerate(document["interactions"])),
        _connection(document.get("connection") or {}),
    )


def _connection(about: Mapping[str, Any]) -> RecordedConnection:
    told: dict[str, Any] = {str(name): str(value) for name, value in about.items()}
    connection = RecordedConnection(**told)
    if connection.grant not in get_args(Grant) or connection.environment not in get_args(Environment):
        raise _Odd("its grant or environment is unknown")
    return connection


def _interaction(step: Mapping[str, Any], number: int) -> Interaction:
    sent, got = step["request"], step["response"]
    body = urlencode(_pairs(sent["form"])) if "form" in sent else _text_of(sent, "body")
    origin, path = _split(str(sent["uri"]))
    request = RecordedRequest(str(sent["method"]), origin, path, _pairs(sent.get("query")), _headers(sent), body)
    answer = got["body"] if isinstance(got.get("body"), bytes) else _text_of(got, "body")
    response = RecordedResponse(int(got["status"]), _headers(got), answer, _text_of(got, "reason"))
    after = int(sent.get("after", number))
    if not 0 <= after <= number:
        raise _Odd(f"step {number + 1} cannot come after {after} others")
    return Interaction(request, response, _instant(sent, response), after)


def _text_of(part: Mapping[str, Any], name: str) -> str:
    text = part.get(name, "")
    if not isinstance(text, str):
        raise _Odd(f"a {name} is no text; put it in quotes")
    return text


def _split(uri: str) -> tuple[str, str]:
    """Take a URI, or a path alone, apart into its origin and its path."""
    scheme, colon, rest = uri.partition("://")
    if uri.startswith("/") or not colon:
        return "", uri
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", slash + path


def _pairs(pairs: Any) -> tuple[tuple[str, str], ...]:
    each = cast("dict[str, Any]", pairs).items() if isinstance(pairs, dict) else pairs or ()
    return tuple((str(name), str(value)) for name, value in each)


def _headers(part: Mapping[str, Any]) -> dict[str, str]:
    headers: dict[Any, Any] = part.get("headers") or {}
    return {str(name).lower(): str(value) for name, value in headers.items()}


def _instant(sent: Mapping[str, Any], response: RecordedResponse) -> datetime:
    """Read when a request was sent; one that does not say was sent when its answer's `Date` says."""
    return parse_instant(str(sent["at"])) if "at" in sent else response.date


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_DUMPER):  # type: ignore[misc]
    """Writes texts of several lines as they are."""


def _text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _dumped(document: Any) -> str:
    return yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000)
