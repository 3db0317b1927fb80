"""What Salesforce serves and the demo org does not: it is refused with status 501, in the demo org's own words."""

import re

from .refusal import OAuthRefusal, Refusal, not_implemented

_FEATURES = (
    "actions/standard", "analytics", "appMenu", "async", "async-queries", "chatter", "commerce", "compactLayouts",
    "connect", "consent", "dedupe", "digitalwallet", "domino", "eclair", "einstein", "emailConnect", "event",
    "financialservices", "fingerprint", "folders", "graphql", "iot", "jsonxform", "knowledgeManagement", "licensing",
    "localizedvalue", "loyalty", "match", "metadata", "nouns", "payments", "prechatForms", "process",
    "scheduling", "search/.*", "serviceTemplates", "smartdatadiscovery", "ssot", "support", "tabs",
    "theme", "tooling", "ui-api", "wave",
)  # fmt: skip
_OBJECT = r"/sobjects/[A-Za-z]\w*"
_RESOURCES = (
    rf"/(?:{'|'.join(_FEATURES)})(?:/.*)?",
    r"/composite/sobjects/.*",
    r"/jobs/(?:apexrest|bulk)(?:/.*)?",
    rf"{_OBJECT}/(?:describe|listviews|defaultValues|events)(?:/.*)?",
    rf"{_OBJECT}/\w{{15}}(?:\w{{3}})?/.+",
    r"/sobjects/relevantItems",
)
_RESOURCE = re.compile("|".join(_RESOURCES))
_SERVICE = re.compile(r"/services/(?:Soap|async|apexrest|apexadmin|wave|proxy)(?:/.*)?|/cometd/.*|/id/keys")
_SIGN_IN = re.compile(r"/services/oauth2/(?:register|singleaccess|echo|device/.*)|/\.well-known/.+|/services/auth/.+")
_GRANTS = ("password", "device", "assertion", "hybrid_refresh", "hybrid_auth_code", "urn:ietf:params:oauth:grant-type:")
_RESPONSE_TYPES = ("token", "token id_token", "hybrid_token", "device_code", "code_credentials")


def unserved_service(path: str) -> Refusal | None:
    """Return the refusal of a path outside the REST API that Salesforce serves; None for any other."""
    if _SERVICE.fullmatch(path) or _SIGN_IN.fullmatch(path):
        return not_implemented(f"serve {path}")
    return None


def unserved_resource(resource: str) -> Refusal | None:
    """Return the refusal of a resource of the REST API that Salesforce serves; None for any other."""
    return not_implemented(f"serve {resource}") if _RESOURCE.fullmatch(resource) else None


def unserved_grant(name: str) -> OAuthRefusal | None:
    """Return the refusal of a `grant_type` that Salesforce knows; None for any other."""
    return _not_known(f"take the grant type {name}") if name.startswith(_GRANTS) else None


def unserved_response_type(name: str) -> OAuthRefusal | None:
    """Return the refusal of a `response_type` that Salesforce knows; None for any other."""
    return _not_known(f"take the response type {name}") if name in _RESPONSE_TYPES else None


def _not_known(what: str) -> OAuthRefusal:
    return OAuthRefusal("not_implemented", f"The demo org does not {what}.", 501)
