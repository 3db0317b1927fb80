"""What stands beside the main rows of a new demo org: roles, prices, line items, comments, posts, the setup's log."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from .database import Database
from .deals import ROLES
from .fields import Row, Value

Add = Callable[[str, dict[str, Value]], Row]
_COMMENTS = ("We are looking into it.", "Could you send a picture?\nThank you!", "Solved \u2014 the valve was closed.")
_CHANGES = (
    ("createdUser", "Manage Users", "Created new user Sam Seller"),
    ("changedPassword", "Manage Users", "Changed password for user Sam Seller"),
    ("createdCFText", "Customize Contacts", "Created custom field: Level (Text) on Contact"),
)


def load_details(database: Database, add: Add, now: datetime) -> None:
    """Create the rows, whose ids follow from those that are there."""

    def ids(sobject: str) -> Sequence[str]:
        return list(database.tables[sobject])

    profile = str(add("Profile", {"Name": "System Administrator", "UserType": "Standard"})["Id"])
    role = str(add("UserRole", {"Name": "Sales Team", "DeveloperName": "SalesTeam"})["Id"])
    users = database.tables["User"]
    for number, user in enumerate(ids("User")):
        shown: Row = {"ProfileId": profile, "UserRoleId": role if number else None, "LastLoginDate": now}
        users[user] = {**users[user], **shown, "ManagerId": ids("User")[0] if number else None}
    _load_prices(add, ids("Product2"), ids("Opportunity"), database)
    for number, deal in enumerate(ids("Opportunity")):
        add("OpportunityFieldHistory", {"OpportunityId": deal, "Field": "created", "DataType": "Text"})
        for at in range((number + 1) % 3):
            person = ids("Contact")[(number * 3 + at) % len(ids("Contact"))] if ids("Contact") else None
            if person:
                add("OpportunityContactRole", {
                    "OpportunityId": deal, "ContactId": person, "Role": ROLES[at], "IsPrimary": at == 0,
                })  # fmt: skip
    _load_conversations(add, ids("Case"), database, now)
    for number, (action, section, display) in enumerate(_CHANGES):
        at_instant: dict[str, Value] = {"CreatedDate": now - timedelta(days=9 - number)}
        add("SetupAuditTrail", {"Action": action, "Section": section, "Display": display, **at_instant})


def _load_conversations(add: Add, cases: Sequence[str], database: Database, now: datetime) -> None:
    """Let people speak about cases: comments, and posts in the feed."""
    for number, case in enumerate(cases):
        for at in range(number % 4):
            said: dict[str, Value] = {"ParentId": case, "CommentBody": _COMMENTS[at], "IsPublished": at == 0}
            add("CaseComment", {**said, **_stamps(now - timedelta(days=8 - 2 * at))})
        if number % 2:
            post: dict[str, Value] = {
                "ParentId": case,
                "Type": "TextPost",
                "Body": "Called the customer, who was not there.",
            }
            shown = add("FeedItem", {**post, **_stamps(now - timedelta(days=7))})
            database.tables["CaseFeed"][str(shown["Id"])] = shown


def _stamps(at: datetime) -> dict[str, Value]:
    return {"CreatedDate": at, "LastModifiedDate": at, "SystemModstamp": at}


def _load_prices(add: Add, products: Sequence[str], deals: Sequence[str], database: Database) -> None:
    """Give each product a standard price and one for partners, and some deals line items."""
    books = [
        str(add("Pricebook2", {"Name": name, "IsActive": True, "IsStandard": name.startswith("Standard")})["Id"])
        for name in ("Standard Price Book", "Partners")
    ]
    entries: list[Row] = []
    for number, product in enumerate(products):
        for book, share in zip(books, (1.0, 0.8), strict=True):
            code = database.tables["Product2"][product].get("ProductCode")
            entries.append(add("PricebookEntry", {
                "Pricebook2Id": book, "Product2Id": product, "UnitPrice": (number + 1) * 125.5 * share,
                "IsActive": True, "ProductCode": code,
            }))  # fmt: skip
    for number, deal in enumerate(deals):
        for at in range((number + 1) % 3):
            entry = entries[(2 * (number + at)) % len(entries)]
            add("OpportunityLineItem", {
                "OpportunityId": deal, "PricebookEntryId": entry["Id"], "Quantity": float(at + 1),
                "UnitPrice": entry["UnitPrice"], "SortOrder": at + 1,
            })  # fmt: skip
