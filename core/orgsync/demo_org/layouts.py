"""The layouts of an object: all of its fields in one section, and the compact layout that every object has."""

import zlib

from .describe import MASTER_RECORD_TYPE, describe_field
from .fields import Field, SObject
from .ids import make_id
from .schema import Schema

JSON = dict[str, object]
_COLUMNS = 2


def layouts(schema: Schema, sobject: SObject, base: str) -> JSON:
    """Return the response of describe/layouts; every org has at least one layout of an object that has pages."""
    own = f"{base}/sobjects/{sobject.name}/describe/layouts/{MASTER_RECORD_TYPE}"
    mapping: JSON = {
        "active": True, "available": True, "defaultRecordTypeMapping": True, "developerName": "Master",
        "layoutId": _layout_id(sobject), "master": True, "name": "Master", "picklistsForRecordType": None,
        "recordTypeId": MASTER_RECORD_TYPE, "urls": {"layout": own},
    }  # fmt: skip
    return {
        "layouts": [layout(schema, sobject)],
        "recordTypeMappings": [mapping],
        "recordTypeSelectorRequired": [False],
    }


def layout(schema: Schema, sobject: SObject) -> JSON:
    """Return the layout of the master record type."""
    fields = [field for field in schema.fields(sobject).values() if not field.is_id or field.relationship]
    editable = [field for field in fields if field.createable or field.updateable]
    return {
        "buttonLayoutSection": {"detailButtons": []}, "detailLayoutSections": [_section(sobject, fields)],
        "editLayoutSections": [_section(sobject, editable)], "feedView": None, "highlightsPanelLayoutSection": None,
        "id": _layout_id(sobject), "multirowEditLayoutSections": [], "offlineLinks": [],
        "quickActionList": {"quickActionListItems": []}, "relatedContent": None, "relatedLists": [],
        "saveOptions": [],
    }  # fmt: skip


def compact_layouts(schema: Schema, sobject: SObject, base: str) -> JSON:
    """Return the response of describe/compactLayouts: the one of the system, which has no id."""
    own = f"{base}/sobjects/{sobject.name}/describe/compactLayouts"
    mapping: JSON = {
        "available": True, "compactLayoutId": None, "compactLayoutName": "SYSTEM", "recordTypeId": MASTER_RECORD_TYPE,
        "recordTypeName": "Master", "urls": {"compactLayout": f"{own}/{MASTER_RECORD_TYPE}"},
    }  # fmt: skip
    return {
        "compactLayouts": [compact_layout(schema, sobject)],
        "defaultCompactLayoutId": None,
        "recordTypeCompactLayoutMappings": [mapping],
        "urls": {"primary": f"{own}/primary"},
    }


def compact_layout(schema: Schema, sobject: SObject) -> JSON:
    """Return the system's compact layout, which shows the field that names a record."""
    names = [field for field in schema.fields(sobject).values() if field.name_field]
    return {
        "actions": [], "fieldItems": [_item(field, order) for order, field in enumerate(names, 1)], "id": None,
        "imageItems": None, "label": "System Default", "name": "SYSTEM", "objectType": sobject.name,
    }  # fmt: skip


def _layout_id(sobject: SObject) -> str:
    return make_id("00h", "Dn0", zlib.crc32(sobject.name.encode()))


def _section(sobject: SObject, fields: list[Field]) -> JSON:
    items = [_item(field, order) for order, field in enumerate(fields, 1)]
    rows = [items[start : start + _COLUMNS] for start in range(0, len(items), _COLUMNS)]
    return {
        "collapsed": False, "columns": _COLUMNS, "heading": f"{sobject.label} Information",
        "layoutRows": [{"layoutItems": row, "numItems": len(row)} for row in rows],
        "layoutSectionId": make_id("01B", "Dn0", zlib.crc32(sobject.name.encode())),
        "parentLayoutId": _layout_id(sobject), "rows": len(rows), "tabOrder": "LeftToRight",
        "useCollapsibleSection": False, "useHeading": True,
    }  # fmt: skip


def _item(field: Field, order: int) -> JSON:
    component: JSON = {
        "details": describe_field(field), "displayLines": 1, "tabOrder": order, "type": "Field", "value": field.name,
    }  # fmt: skip
    return {
        "editableForNew": field.createable, "editableForUpdate": field.updateable, "label": field.label,
        "layoutComponents": [component], "placeholder": False,
        "required": not field.nillable and not field.defaulted and field.createable,
    }  # fmt: skip
