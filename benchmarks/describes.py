"""What the server says its objects are made of."""

import json
from collections.abc import Sequence
from typing import Any

__all__ = ["ACCOUNT_COLUMNS", "describe", "list_of_objects"]

ACCOUNT_COLUMNS = ("Id", "IsDeleted", "Name", "SystemModstamp")

_TYPES = {
    "Id": "id",
    "IsDeleted": "boolean",
    "SystemModstamp": "datetime",
    "CreatedDate": "datetime",
    "LastModifiedDate": "datetime",
    "AccountId": "reference",
    "OwnerId": "reference",
    "Email": "email",
    "Phone": "phone",
    "MobilePhone": "phone",
    "LeadSource": "picklist",
    "MailingStreet": "textarea",
}
_SOAP_TYPES = {"id": "tns:ID", "boolean": "xsd:boolean", "datetime": "xsd:dateTime", "reference": "tns:ID"}
_REFERENCES = {"AccountId": ("Account", "Account"), "OwnerId": ("User", "Owner")}
_FLAGS = {
    **dict.fromkeys(("queryable", "replicateable", "retrieveable", "createable", "updateable", "deletable"), True),
    **dict.fromkeys(("searchable", "undeletable", "mergeable", "layoutable", "triggerable", "activateable"), True),
    **dict.fromkeys(("custom", "customSetting", "deprecatedAndHidden", "feedEnabled"), False),
}


def describe(sobject: str, columns: Sequence[str]) -> bytes:
    """Write an object's describe; columns that are a parent's are left to the parent's own."""
    fields = [_field(name) for name in columns if "." not in name]
    return json.dumps({**_about(sobject), "fields": fields, "childRelationships": [], "recordTypeInfos": []}).encode()


def list_of_objects(names: Sequence[str]) -> bytes:
    """Write the list of all objects."""
    about = {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [_about(name) for name in names]}
    return json.dumps(about).encode()


def _about(sobject: str) -> dict[str, Any]:
    prefix = {"Contact": "003", "Account": "001"}[sobject]
    return {"name": sobject, "label": sobject, "labelPlural": f"{sobject}s", "keyPrefix": prefix, **_FLAGS}


def _field(name: str) -> dict[str, Any]:
    kind = _TYPES.get(name, "string")
    refers_to, relationship = _REFERENCES.get(name, (None, None))
    is_key = name == "Key__c"
    return {
        "name": name,
        "externalId": is_key,
        "idLookup": is_key,
        "unique": is_key,
        "custom": is_key,
        "label": name,
        "type": kind,
        "soapType": _SOAP_TYPES.get(kind, "xsd:string"),
        "length": 18 if kind in ("id", "reference") else 255,
        "precision": 0,
        "scale": 0,
        "digits": 0,
        "nillable": name not in ("Id", "IsDeleted", "SystemModstamp", "CreatedDate", "LastModifiedDate"),
        "referenceTo": [refers_to] if refers_to else [],
        "relationshipName": relationship,
        "compoundFieldName": None,
        "picklistValues": [],
        **dict.fromkeys(("createable", "updateable", "filterable", "sortable", "groupable"), True),
        **dict.fromkeys(("calculated", "encrypted", "autoNumber"), False),
        **dict.fromkeys(("deprecatedAndHidden", "caseSensitive", "nameField"), False),
    }
