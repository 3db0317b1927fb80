"""The objects Task and Event, whose old rows are archived, and the files that are linked to records."""

from dataclasses import replace

from .fields import Derived, Row, Scope, SObject
from .standard_fields import (
    AUDIT_FIELDS,
    OWNER,
    OWNER_OR_QUEUE,
    checkbox,
    choice,
    deleted_fields,
    description,
    link,
    lookup,
    plain,
    read_only,
    record_id,
    subject,
    text,
)

TASK_STATUSES = ("Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred")
PRIORITIES = ("High", "Normal", "Low")
_WHO = ("Contact", "Lead")
_WHAT = ("Account", "Campaign", "Case", "Opportunity", "Product2")
_LINKED = ("Account", "Campaign", "Case", "Contact", "Lead", "Opportunity", "Product2", "User")


def _account(row: Row, scope: Scope) -> Derived:
    """Return the account that an activity belongs to: the one it is about, or that of the deal, case or person."""
    what = str(row.get("WhatId") or "")
    if what.startswith("001"):
        return what
    for sobject, name in (("Opportunity", "WhatId"), ("Case", "WhatId"), ("Contact", "WhoId")):
        found = scope.find(sobject, row.get(name))
        if found is not None:
            return found.get("AccountId")
    return None


_ACCOUNT = replace(lookup("AccountId", "Account ID", "Account"), createable=False, updateable=False, derive=_account)

TASK = SObject(
    name="Task", label="Task", plural="Tasks", prefix="00T", archives=True,
    fields=(
        record_id("Activity"), link("WhoId", "Name ID", _WHO, "Tasks"), link("WhatId", "Related To ID", _WHAT, "Tasks"),
        subject(), plain("ActivityDate", "Due Date Only", "date"),
        choice("Status", "Status", TASK_STATUSES, "Not Started"), choice("Priority", "Priority", PRIORITIES, "Normal"),
        checkbox("IsHighPriority", "High Priority", writable=False, derive=lambda row, _: row["Priority"] == "High"),
        OWNER_OR_QUEUE, description("Description"), *deleted_fields("Task", merges=False), _ACCOUNT,
        checkbox("IsClosed", "Closed", writable=False, derive=lambda row, _: row["Status"] == "Completed"),
        *AUDIT_FIELDS, checkbox("IsArchived", "Archived", writable=False),
        plain("CallDurationInSeconds", "Call Duration", "int"), text("CallDisposition", "Call Result", 255),
        plain("ReminderDateTime", "Reminder Date/Time", "datetime"), checkbox("IsReminderSet", "Reminder Set"),
        checkbox("IsRecurrence", "Create Recurring Series of Tasks"),
        choice("TaskSubtype", "Task Subtype", ("Task", "Email", "Call"), "Task"),
        plain("CompletedDateTime", "Completed Date", "datetime"),
    ),
)  # fmt: skip

EVENT = SObject(
    name="Event", label="Event", plural="Events", prefix="00U", archives=True,
    fields=(
        record_id("Activity"), link("WhoId", "Name ID", _WHO, "Events"),
        link("WhatId", "Related To ID", _WHAT, "Events"), subject(),
        text("Location", "Location", 255), checkbox("IsAllDayEvent", "All-Day Event"),
        plain("ActivityDateTime", "Due Date Time", "datetime"), plain("ActivityDate", "Due Date Only", "date"),
        plain("DurationInMinutes", "Duration", "int"), plain("StartDateTime", "Start Date Time", "datetime"),
        plain("EndDateTime", "End Date Time", "datetime"), description("Description"), _ACCOUNT, OWNER,
        checkbox("IsPrivate", "Private"), choice("ShowAs", "Show Time As", ("Busy", "OutOfOffice", "Free"), "Busy"),
        *deleted_fields("Event", merges=False), checkbox("IsChild", "Is Child", writable=False),
        checkbox("IsGroupEvent", "Is Group Event", writable=False), *AUDIT_FIELDS,
        checkbox("IsArchived", "Archived", writable=False), checkbox("IsRecurrence", "Create Recurring Series"),
    ),
)  # fmt: skip

CONTENT_DOCUMENT = SObject(
    name="ContentDocument", label="Content Document", plural="Content Documents", prefix="069", createable=False,
    replicateable=False,
    fields=(
        record_id("ContentDocument"), *AUDIT_FIELDS, checkbox("IsArchived", "Is Archived", writable=False), OWNER,
        *deleted_fields("ContentDocument", merges=False), text("Title", "Title", 255),
        read_only("FileType", "File Type", "string", length=20),
        read_only("FileExtension", "File Extension", "string", length=40), read_only("ContentSize", "Size", "int"),
        text("Description", "Description", 1000, "textarea"),
        replace(
            lookup("LatestPublishedVersionId", "Latest Published Version ID", "ContentVersion"), createable=False,
            updateable=False,
        ),
    ),
)  # fmt: skip

CONTENT_DOCUMENT_LINK = SObject(
    name="ContentDocumentLink", label="Content Document Link", plural="Content Document Link", prefix="06A",
    replicateable=False, has_pages=False, requires_filter=("ContentDocumentId", "LinkedEntityId"),
    fields=(
        record_id("ContentDocumentLink"), link("LinkedEntityId", "Linked Entity ID", _LINKED, "ContentDocumentLinks"),
        lookup("ContentDocumentId", "ContentDocument ID", "ContentDocument", "ContentDocumentLinks", cascades=True),
        *deleted_fields("ContentDocumentLink", merges=False), AUDIT_FIELDS[4],
        choice("ShareType", "Share Type", ("V", "C", "I"), "V"),
        choice("Visibility", "Visibility", ("AllUsers", "InternalUsers", "SharedUsers"), "AllUsers"),
    ),
)  # fmt: skip
