"""The describe of an object, key by key in the order of real responses."""

from .fields import Field, SObject
from .schema import Schema

JSON = dict[str, object]
MASTER_RECORD_TYPE = "012000000000000AAA"


def describe_global(schema: Schema, base: str) -> JSON:
    """Return the list of visible objects."""
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [brief(sobject, base) for sobject in schema.sobjects()],
    }


def brief(sobject: SObject, base: str) -> JSON:
    """Return an object's entry in the list of objects."""
    kind, parent = sobject.belongs_to or (None, None)
    pages = sobject.has_pages
    return {
        "activateable": False, "associateEntityType": kind, "associateParentEntity": parent,
        "createable": sobject.createable, "custom": sobject.custom, "customSetting": False, "deepCloneable": False,
        "deletable": sobject.deletable, "deprecatedAndHidden": False, "feedEnabled": pages, "hasSubtypes": False,
        "isInterface": False, "isSubtype": False, "keyPrefix": None if kind in ("History", "Feed") else sobject.prefix,
        "label": sobject.label, "labelPlural": sobject.plural, "layoutable": pages, "mergeable": sobject.mergeable,
        "mruEnabled": sobject.listed_as_recent, "name": sobject.name, "queryable": True,
        "replicateable": sobject.replicateable, "retrieveable": True, "searchable": sobject.searchable,
        "triggerable": pages, "undeletable": sobject.deletable and pages,
        "updateable": sobject.updateable, "urls": _urls(sobject, base),
    }  # fmt: skip


def describe(schema: Schema, sobject: SObject, base: str, instance_url: str) -> JSON:
    """Return everything that the user may know of an object."""
    few = brief(sobject, base)
    urls = few.pop("urls")
    more: JSON = {
        "actionOverrides": [], "childRelationships": [_child(*child) for child in schema.children(sobject)],
        "compactLayoutable": True, "defaultImplementation": None, "extendedBy": None, "extendsInterfaces": None,
        "fields": [describe_field(field) for field in schema.fields(sobject).values()], "implementedBy": None,
        "implementsInterfaces": None, "listviewable": None, "lookupLayoutable": None, "namedLayoutInfos": [],
        "networkScopeFieldName": None, "recordTypeInfos": _record_types(sobject, base),
        "searchLayoutable": True, "sobjectDescribeOption": "FULL", "supportedScopes": _scopes(sobject),
        "urls": {
            **_mapping(urls), "uiDetailTemplate": f"{instance_url}/{{ID}}",
            "uiEditTemplate": f"{instance_url}/{{ID}}/e", "uiNewRecord": f"{instance_url}/{sobject.prefix}/e",
        },
    }  # fmt: skip
    return dict(sorted({**few, **more}.items()))


def _mapping(value: object) -> JSON:
    return {**value} if isinstance(value, dict) else {}


def _urls(sobject: SObject, base: str) -> JSON:
    own = f"{base}/sobjects/{sobject.name}"
    if not sobject.has_pages:
        return {"rowTemplate": f"{own}/{{ID}}", "describe": f"{own}/describe", "sobject": own}
    return {
        "compactLayouts": f"{own}/describe/compactLayouts",
        "rowTemplate": f"{own}/{{ID}}",
        "approvalLayouts": f"{own}/describe/approvalLayouts",
        "listviews": f"{own}/listviews",
        "describe": f"{own}/describe",
        "quickActions": f"{own}/quickActions",
        "layouts": f"{own}/describe/layouts",
        "sobject": own,
    }


def _child(child: SObject, field: Field) -> JSON:
    return {
        "cascadeDelete": field.cascades, "childSObject": child.name, "deprecatedAndHidden": False,
        "field": field.name, "junctionIdListNames": [], "junctionReferenceTo": [],
        "relationshipName": field.child_relationship, "restrictedDelete": False,
    }  # fmt: skip


def _record_types(sobject: SObject, base: str) -> list[JSON]:
    """Return the master record type, where the object has layouts that could differ."""
    if not sobject.has_pages:
        return []
    master: JSON = {
        "active": True, "available": True, "defaultRecordTypeMapping": True, "developerName": "Master",
        "master": True, "name": "Master", "recordTypeId": MASTER_RECORD_TYPE,
        "urls": {"layout": f"{base}/sobjects/{sobject.name}/describe/layouts/{MASTER_RECORD_TYPE}"},
    }  # fmt: skip
    return [master]


def _scopes(sobject: SObject) -> list[JSON]:
    plural = sobject.plural.lower()
    return [{"label": f"All {plural}", "name": "everything"}, {"label": f"My {plural}", "name": "mine"}]


def describe_field(field: Field) -> JSON:
    """Return the describe of a field."""
    boolean = field.type == "boolean"
    return {
        "aggregatable": field.aggregatable, "aiPredictionField": False, "autoNumber": False,
        "byteLength": field.length if field.is_id else 3 * field.length, "calculated": field.formula is not None,
        "calculatedFormula": field.formula, "cascadeDelete": False, "caseSensitive": False,
        "compoundFieldName": field.compound, "controllerName": None, "createable": field.createable,
        "custom": field.custom, "defaultValue": False if boolean else None, "defaultValueFormula": None,
        "defaultedOnCreate": field.defaulted, "dependentPicklist": False, "deprecatedAndHidden": False,
        "digits": 8 if field.type == "int" else 0, "displayLocationInDecimal": False, "encrypted": False,
        "externalId": field.external_id, "extraTypeInfo": field.extra_type, "filterable": field.filterable,
        "filteredLookupInfo": None, "formulaTreatNullNumberAsZero": False, "groupable": field.groupable,
        "highScaleNumber": False, "htmlFormatted": False, "idLookup": field.finds_rows,
        "inlineHelpText": None, "label": field.label, "length": field.length, "mask": None, "maskType": None,
        "name": field.name, "nameField": field.name_field, "namePointing": bool(field.kinds),
        "nillable": field.nillable, "permissionable": field.permissionable,
        "picklistValues": [_choice(value) for value in field.values],
        "polymorphicForeignKey": False, "precision": field.precision, "queryByDistance": field.type == "address",
        "referenceTargetField": None, "referenceTo": list(field.targets),
        "relationshipName": field.relationship, "relationshipOrder": None, "restrictedDelete": False,
        "restrictedPicklist": field.restricted, "scale": field.scale,
        "searchPrefilterable": field.type == "reference"
        and (field.permissionable or (field.nillable and field.updateable)),
        "soapType": field.soap_type, "sortable": field.sortable, "type": field.type, "unique": field.unique,
        "updateable": field.updateable, "writeRequiresMasterRead": False,
    }  # fmt: skip


def _choice(value: str) -> JSON:
    return {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}
