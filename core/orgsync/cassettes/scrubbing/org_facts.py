"""What a cassette shows of its org before anything is replaced: its hosts, ids, describes and Bulk jobs."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from ..interaction import Interaction, RecordedRequest

__all__ = [
    "FieldFacts",
    "OrgFacts",
    "is_identity",
    "is_loopback",
    "is_salesforce",
    "learned",
    "netloc",
    "object_of_query",
]

HOST_STAND_IN = re.compile(r"(login|instance|other)(?:-(\d+))?\.test")
_SALESFORCE = re.compile(
    r"(?:[\w-]+\.)*(?:salesforce(?:-\w+)?|(?:\w+)?force|my-salesforce|my-lightning|salesforceliveagent)\.(?:com|mil|cn)"
    r"|(?:[\w-]+\.)*(?:sfcrmproducts|sfcrmapps)\.cn|(?:[\w-]+\.)+my\.site\.com"
)
_PUBLIC = re.compile(
    r"(?:www|help|developers?|trailhead|status|trust|admin|architect|appexchange)\.(?:salesforce|force)\.com"
)
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?")
_SHARED_LOGINS = ("login.salesforce.com", "test.salesforce.com")
_NAMING = ("user_id", "organization_id", "id", "sub")
_IDENTITY = re.compile(r"/services/oauth2/(?:userinfo|introspect|token)|/id/00D[^/]*/005[^/]*")
_IDENTITY_URL = re.compile(r"/id/([^/?#]{4,})/([^/?#]{4,})$")
_ORG_PATH = re.compile(r"/services/(?:data|Soap|async|apexrest)/")
_JOB = re.compile(r"/jobs/(?:query|ingest)\b")
_KEY = re.compile(r'"(\w+)"\s*:')
_ID = re.compile(r"00[5D][0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?")
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'")
_GROUP = re.compile(r"\([^()]*\)")
_FROM = re.compile(r"\bFROM\s+(\w+)", re.I)


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What a describe says about a field."""

    type: str
    person_name: bool = False


@dataclass(slots=True)
class OrgFacts:
    """What is known of the org. Hosts may have ports, ids are their first 15 characters, objects in lower case."""

    logins: list[str] = field(default_factory=list[str])
    instances: list[str] = field(default_factory=list[str])
    ids: set[str] = field(default_factory=set[str])
    odd_ids: dict[str, str] = field(default_factory=dict[str, str])
    """Ids of the org and the user that do not look like ids, and what they are."""
    describes: dict[str, dict[str, FieldFacts]] = field(default_factory=dict[str, dict[str, FieldFacts]])
    parents: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """By object and relationship, in lower case: the object that the relationship leads to."""
    jobs: dict[str, str] = field(default_factory=dict[str, str])
    """By the id of a Bulk job: the object that it reads or writes."""
    words: set[str] = field(default_factory=set[str])
    """Words of the protocol and of the org's schema, which are nobody's name."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host of the org's that is known, in order."""
        return (*self.logins, *self.instances)


def learned(interactions: Sequence[Interaction], hosts: Collection[str] = ()) -> OrgFacts:
    """Return what the interactions show of their org; `hosts` are known to be its own."""
    facts = OrgFacts(words={"null", "true", "false", "None"})
    documents = [(each.request, _document(each)) for each in interactions]
    for _, document in documents:
        _learn_instance(facts, document)
    for each in interactions:
        _learn_request(facts, each.request)
    for request, document in documents:
        _learn_document(facts, request, document)
    for host in hosts:
        signs_in = netloc(host) in (*facts.logins, *_SHARED_LOGINS)
        _add(facts.logins if signs_in else facts.instances, host)
    facts.logins = [host for host in facts.logins if host not in facts.instances]
    for each in interactions:
        for body in (each.request.body, each.response.body):
            if isinstance(body, str):
                facts.words.update(_KEY.findall(body))
    return facts


def netloc(url: str) -> str:
    """Return the host of a URL, with its port; a bare host is returned as it is."""
    return (urlsplit(url).netloc if "://" in url else url.rstrip("/")).lower()


def is_salesforce(host: str) -> bool:
    """Return whether a host is an org's at Salesforce, not one of its public sites."""
    name = host.lower().partition(":")[0]
    return _SALESFORCE.fullmatch(name) is not None and _PUBLIC.fullmatch(name) is None


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    return _LOOPBACK.fullmatch(host) is not None


def is_identity(path: str) -> bool:
    """Return whether a path is one whose response names the user."""
    return _IDENTITY.match(path) is not None


def object_of_query(soql: str) -> str:
    """Return the object that a query reads, outside of its sub-selects; empty where it names none."""
    text = _LITERAL.sub("''", soql)
    while (shorter := _GROUP.sub(" ", text)) != text:
        text = shorter
    found = _FROM.search(text)
    return found[1] if found else ""


def _document(interaction: Interaction) -> Any:
    """Return a response that shows something of the org, parsed; None for any other."""
    path, body = interaction.request.path, interaction.response.body
    if not isinstance(body, str) or not body.lstrip().startswith("{"):
        return None
    if is_identity(path) or _JOB.search(path) or '"soapType"' in body or '"instance_url"' in body:
        try:
            return json.loads(body)
        except ValueError:
            return None
    return None


def _learn_instance(facts: OrgFacts, document: Any) -> None:
    url = document.get("instance_url") if _is_object(document) else None
    if isinstance(url, str):
        _add(facts.instances, url)


def _learn_request(facts: OrgFacts, request: RecordedRequest) -> None:
    if not request.origin:
        return
    if _IDENTITY.match(request.path) or request.path.startswith("/services/oauth2/"):
        _add(facts.logins, request.origin)
    elif _ORG_PATH.match(request.path) or is_salesforce(netloc(request.origin)):
        _add(facts.instances, request.origin)


def _learn_document(facts: OrgFacts, request: RecordedRequest, document: Any) -> None:
    if not _is_object(document):
        return
    if is_identity(request.path) or "instance_url" in document:
        texts = [document[name] for name in _NAMING if isinstance(document.get(name), str)]
        facts.ids.update(each[:15] for text in texts for each in _ID.findall(text) if each[3:8] != "TESTS")
        for text in texts:
            if "://" in text:
                _add(facts.logins, text)
        facts.odd_ids.update(_odd_ids(document))
    if isinstance(document.get("fields"), list):
        _learn_describe(facts, document)
    if _JOB.search(request.path):
        _learn_jobs(facts, request, document)


def _odd_ids(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield ids that only an identity response shows to be ids, with their kind."""
    named = [(document.get("organization_id"), "ORG-ID"), (document.get("user_id"), "USER-ID")]
    for text in (document.get("id"), document.get("sub")):
        if isinstance(text, str) and (found := _IDENTITY_URL.search(text)):
            named += [(found[1], "ORG-ID"), (found[2], "USER-ID")]
    for each, kind in named:
        if isinstance(each, str) and not _ID.fullmatch(each) and not each.startswith(("ORG-ID-", "USER-ID-")):
            yield each, kind


def _learn_describe(facts: OrgFacts, describe: Mapping[str, Any]) -> None:
    sobject = str(describe.get("name", "")).lower()
    known = facts.describes.setdefault(sobject, {})
    for each in filter(_is_object, describe["fields"]):
        name, kind = str(each.get("name", "")), str(each.get("type", ""))
        known[name.lower()] = FieldFacts(kind, each.get("extraTypeInfo") == "personname")
        facts.words.update((name, kind))
        facts.words.update(str(value.get("value")) for value in each.get("picklistValues") or () if _is_object(value))
        targets: list[Any] = each.get("referenceTo") or []
        relationship = each.get("relationshipName")
        if relationship and len(targets) == 1:
            facts.parents[sobject, str(relationship).lower()] = str(targets[0])


def _learn_jobs(facts: OrgFacts, request: RecordedRequest, document: Mapping[str, Any]) -> None:
    for job in [document, *filter(_is_object, document.get("records") or [])]:
        if isinstance(job.get("id"), str) and isinstance(job.get("object"), str):
            facts.jobs[job["id"][:15]] = job["object"]
    if request.method == "POST" and isinstance(document.get("id"), str):
        for query in _queries(request.body):
            facts.jobs.setdefault(document["id"][:15], object_of_query(query))


def _queries(body: str) -> Iterator[str]:
    try:
        document = json.loads(body)
    except ValueError:
        return
    if _is_object(document) and isinstance(document.get("query"), str):
        yield document["query"]


def _add(hosts: list[str], url: str) -> None:
    host = netloc(url)
    if host and host not in hosts and not HOST_STAND_IN.fullmatch(host):
        hosts.append(host)


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
