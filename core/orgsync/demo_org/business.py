"""Leads, campaigns, products, cases, activities and files of a new demo org: few, invented, and the same every time.

They stand beside the rows of `people`, with an own source of chance, so that those stay as they are.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta

from .activities import PRIORITIES, TASK_STATUSES
from .database import Database
from .details import load_details
from .fields import Row, SObject, Value
from .files import ATTACHMENT, CONTENT_VERSION, DOCUMENT, measured, stored_content
from .selling import CAMPAIGN_STATUSES, CAMPAIGN_TYPES, CASE_ORIGINS, CASE_STATUSES, FAMILIES, LEAD_STATUSES
from .standard_fields import INDUSTRIES, RATINGS, SOURCES

Fields = dict[str, Value]
_LEADS = (
    ("Grace", "Holloway"),
    ("Luís", "Ferreira"),
    ("Mei", "李"),
    ("Ann", "O'Brien"),
    (None, "Nguyễn"),
    ("Zoë", "🙂"),
)
_PRODUCTS = ("Pump P-100", "Valve V-20", 'Pipe 2" (10 m)', "Maintenance contract", "Control software")
_SUBJECTS = ("Call", "Send quote", "Email: your question", "Visit\u2014second floor", "Renewal, 1st reminder")
_PROBLEMS = ("Pump is loud", "Cannot log in", "Wrong invoice; please correct", "Where is my order?")


class Business:
    """Adds the rows to a database whose users, accounts, contacts and deals are there."""

    def __init__(self, database: Database, seed: int, org_id: str) -> None:
        self._database = database
        self._random = random.Random(f"business {seed}")  # noqa: S311 - plausible data, not secrets
        self._now = database.clock.stamp
        self._org_id = org_id

    def load(self) -> None:
        """Create the rows."""
        users = self._ids("User")
        self._add("Organization", {
            "Id": self._org_id, "Name": "Demo Org", "Country": "US", "DefaultLocaleSidKey": "en_US",
            "TimeZoneSidKey": "GMT", "LanguageLocaleKey": "en_US", "FiscalYearStartMonth": 1,
            "OrganizationType": "Developer Edition", "InstanceName": "DEMO1",
        })  # fmt: skip
        self._add("Group", {"Name": "Support", "DeveloperName": "Support", "Type": "Queue"})
        for fields in self._leads(users):
            self._add("Lead", fields)
        for fields in self._products():
            self._add("Product2", fields)
        for fields in self._campaigns(users):
            self._add("Campaign", fields)
        for number, person in enumerate([*self._ids("Lead")[:4], *self._ids("Contact")[:4]]):
            reference = "LeadId" if person.startswith("00Q") else "ContactId"
            campaign, status = self._ids("Campaign")[number % 3], ("Sent", "Responded")[number % 2]
            self._add("CampaignMember", {"CampaignId": campaign, reference: person, "Status": status})
        for fields in self._cases([*users, *self._ids("Group")]):
            self._add("Case", fields)
        self._activities(users)
        self._files(users)
        load_details(self._database, self._add, self._now)

    def _leads(self, users: Sequence[str]) -> Iterator[Fields]:
        for number, (first, last) in enumerate(_LEADS * 2):
            status = LEAD_STATUSES[number % 4]
            yield {
                "FirstName": first, "LastName": last, "Company": f"Prospect {number}", "Status": status,
                "Email": f"lead.{number}@prospect-{number}.example" if number % 3 else None, "City": "Springfield",
                "Industry": self._one_of(INDUSTRIES), "Rating": self._one_of(RATINGS), "OwnerId": self._one_of(users),
                "LeadSource": self._one_of(SOURCES), "IsConverted": status == "Closed - Converted",
                "Street": f"{number + 1} Main Street\nFloor {number}", "AnnualRevenue": 250_000.0 * number or None,
            }  # fmt: skip

    def _products(self) -> Iterator[Fields]:
        for number, name in enumerate(_PRODUCTS):
            yield {
                "Name": name, "ProductCode": f"P-{number:03}", "Family": FAMILIES[number % 3],
                "IsActive": number != 2, "IsArchived": number == 2,
            }  # fmt: skip

    def _campaigns(self, users: Sequence[str]) -> Iterator[Fields]:
        for number in range(3):
            start = (self._now - timedelta(days=300 - 100 * number)).date()
            yield {
                "Name": f"{CAMPAIGN_TYPES[number]} {start.year}", "Type": CAMPAIGN_TYPES[number],
                "Status": CAMPAIGN_STATUSES[number], "StartDate": start, "EndDate": start + timedelta(days=30),
                "BudgetedCost": 5000.0 * (number + 1), "IsActive": number == 1, "OwnerId": self._one_of(users),
            }  # fmt: skip

    def _cases(self, owners: Sequence[str]) -> Iterator[Fields]:
        contacts: list[Row] = list(self._database.tables["Contact"].values())[:8] or [{}]
        for number in range(8):
            contact, status = contacts[number % len(contacts)], CASE_STATUSES[number % 4]
            yield {
                "ContactId": contact.get("Id"), "AccountId": contact.get("AccountId"),
                "Status": status, "Origin": CASE_ORIGINS[number % 3], "Subject": _PROBLEMS[number % 4],
                "Priority": ("High", "Medium", "Low")[number % 3], "OwnerId": self._one_of(owners),
                "ClosedDate": self._now - timedelta(days=5) if status == "Closed" else None,
            }  # fmt: skip

    def _activities(self, users: Sequence[str]) -> None:
        """Create tasks and events, of which the oldest are archived."""
        what = [*self._ids("Account")[:4], *self._ids("Case")[:2], None]
        who = [*self._ids("Contact")[:3], *self._ids("Lead")[:3]]
        for number in range(12):
            day = self._now - timedelta(days=(12 - number) * 50 - 100)
            shared: Fields = {
                "Subject": _SUBJECTS[number % 5], "WhatId": what[number % len(what)], "WhoId": who[number % len(who)],
                "OwnerId": self._one_of(users), "ActivityDate": day.date(), "IsArchived": number < 4,
            }  # fmt: skip
            status = "Completed" if number < 4 else TASK_STATUSES[number % 5]
            self._add("Task", {**shared, "Status": status, "Priority": PRIORITIES[number % 3]})
            if number % 3 == 0:
                times: Fields = {"StartDateTime": day, "ActivityDateTime": day, "DurationInMinutes": 60}
                self._add("Event", {**shared, **times, "EndDateTime": day + timedelta(hours=1), "Location": "Room 2"})

    def _files(self, users: Sequence[str]) -> None:
        for number, account in enumerate(self._ids("Account")[:3]):
            document = self._add("ContentDocument", {
                "Title": f"Offer {number}", "FileType": "PDF", "FileExtension": "pdf",
                "ContentSize": 1000 * number + 1, "OwnerId": users[0],
            })  # fmt: skip
            self._version(document, number)
            for linked in (users[0], account):
                self._add("ContentDocumentLink", {"ContentDocumentId": document["Id"], "LinkedEntityId": linked})
            if number == 0:
                self._with_content(
                    ATTACHMENT, {"Name": "Offer 0.pdf", "ParentId": account, "OwnerId": users[0]}, number
                )
        self._with_content(DOCUMENT, {"Name": "Logo", "FolderId": users[0], "ContentType": "image/png"}, 1)

    def _version(self, document: Row, number: int) -> None:
        version: Fields = {
            "PathOnClient": f"{document['Title']}.pdf", "OwnerId": document["OwnerId"], "IsLatest": True,
            "ContentDocumentId": document["Id"], "VersionNumber": "1",
        }  # fmt: skip
        latest = self._with_content(CONTENT_VERSION, version, number)
        table = self._database.tables["ContentDocument"]
        table[str(document["Id"])] = {**document, "LatestPublishedVersionId": latest["Id"]}

    def _with_content(self, sobject: SObject, fields: Fields, number: int) -> Row:
        field = next(field for field in sobject.fields if field.type == "base64")
        content = (b"%PDF-1.4\n" + b"An offer of the demo org.\n" * 90)[: 1000 * number + 1]
        whole: Fields = {**fields, field.name: stored_content(field, content)}
        return self._add(sobject.name, whole | measured(sobject, whole))

    def _add(self, sobject: str, fields: Fields) -> Row:
        definition, user = self._database.schema.everything(sobject), self._database.user_id
        created = self._now - timedelta(days=self._random.randrange(2, 400), seconds=self._random.randrange(86_400))
        stamps: Fields = {
            "CreatedDate": created, "CreatedById": user, "LastModifiedDate": created, "LastModifiedById": user,
            "SystemModstamp": created,
        }  # fmt: skip
        row = dict(definition.blank)
        row |= {name: value for name, value in stamps.items() if name in row} | fields
        row["Id"] = fields.get("Id") or self._database.next_id(sobject)
        self._database.tables[sobject][str(row["Id"])] = row
        return row

    def _ids(self, sobject: str) -> list[str]:
        return list(self._database.tables[sobject])

    def _one_of(self, choices: Sequence[str]) -> str:
        return self._random.choice(choices)
