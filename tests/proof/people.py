"""Those who work in the org while orgsync runs, and what happens to it: each deed is a step of a history."""

import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from orgsync.demo_org import DemoOrg, Fault, Transaction

__all__ = ["FAULTS", "People"]

_DATA = "/services/data/v"
_LEVEL_SEEN_WITHIN = timedelta(days=1, minutes=5)

FAULTS: Sequence[tuple[Fault, str]] = (
    (Fault.reset(), _DATA),
    (Fault.reset(processed=True), _DATA),
    (Fault.truncate(), _DATA),
    (Fault.status(502, "<html>bad gateway"), _DATA),
    (Fault.maintenance(), _DATA),
    (Fault.status(420), _DATA),
    (Fault.concurrent_limit(), _DATA),
    (Fault.json_error(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"), _DATA),
    (Fault.json_error(400, "INVALID_QUERY_LOCATOR", "invalid query locator"), "/query/"),
    (Fault.json_error(400, "QUERY_TIMEOUT", "Your query request was running for too long."), r"/query(All)?$"),
    (Fault.json_error(401, "INVALID_SESSION_ID", "Session expired or invalid"), _DATA),
    (Fault.oauth_error("server_error", "try again", 500), "/oauth2/token"),
    (Fault.done_too_early(), "/query"),
    (Fault.lost_locator(), "/query"),
    (Fault.no_records(), "/query"),
    (Fault.changed_total(2), "/query"),
    (Fault.unknown_total(), "/query"),
)


def _rows(page: dict[str, object]) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", page["records"])


HOSTILE: Sequence[Fault] = (
    Fault.same_page_again(),
    Fault.ever_new_pages(),
    Fault.nested_json(),
    Fault.bomb(),
    Fault.busy("99999999"),
    Fault.redirect("https://another.my.salesforce.com/services/data"),
    Fault.changed_total(-3),
    Fault.altering(lambda page, _: {**page, "totalSize": str(page["totalSize"])}),
    Fault.altering(lambda page, _: {**page, "done": True, "totalSize": -1}),
    Fault.altering(lambda page, _: {**page, "records": [{**row, "Id": None} for row in _rows(page)]}),
)
"""What a server answers that means no good."""

RESOURCES = ("/updated", "/deleted", "/query", "/describe", "/jobs/query", "/results", "/limits", "/oauth2/token")
"""Every kind of request that a run sends."""

STATUSES = (302, 400, 403, 404, 406, 408, 409, 420, 429, 500, 502, 503)
"""What an edge, a proxy or a firewall may answer in Salesforce's place, without an error of Salesforce's."""


@dataclass(slots=True)
class People:
    """The org, what is open in it, and what of it the connection's user may not see."""

    org: DemoOrg
    stack: ExitStack = field(default_factory=ExitStack)
    late: Transaction | None = None
    hidden: set[str] = field(default_factory=set[str])
    unstamped: bool = False
    level_hidden: bool = False
    level_shown_at: datetime | None = None
    turn: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(0))

    def act(self, deed: str, seed: int) -> None:
        """Do one thing; the seed chooses to what, and how."""
        self.turn += 1
        self.dice = random.Random(seed)
        getattr(self, deed)()

    # Rows

    def insert_contacts(self) -> None:
        for _ in range(self.dice.randint(1, 4)):
            born = self.org.now.date().replace(year=1980) + timedelta(days=self.dice.randrange(-2, 9))
            values = {**self._values(), "Birthdate": born, "AccountId": self._one("Account")}
            (self.late or self.org).insert("Contact", LastName=f"New {self.turn}", **values)

    def update_contact(self) -> None:
        (self.late or self.org).update("Contact", self._one("Contact"), LastName=f"Set {self.turn}", **self._values())

    def move_contact(self) -> None:
        (self.late or self.org).update("Contact", self._one("Contact"), AccountId=self._one("Account"))

    def delete_contact(self) -> None:
        (self.late or self.org).delete("Contact", self._one("Contact"))

    def delete_contact_for_good(self) -> None:
        (self.late or self.org).hard_delete("Contact", self._one("Contact"))

    def undelete_contact(self) -> None:
        self.org.undelete("Contact", self._one("Contact", binned=True))

    def merge_contacts(self) -> None:
        self._merge("Contact")

    def insert_account(self) -> None:
        self.org.insert("Account", Name=f"New {self.turn}", NumberOfEmployees=self.turn, AnnualRevenue=self.turn / 4)

    def change_account(self) -> None:
        industry, rating = self.dice.choice(["Energy", "Banking"]), self.dice.choice(["Hot", "Cold"])
        changed = {"Name": f"Set {self.turn}", "Industry": industry, "Rating": rating}
        (self.late or self.org).update("Account", self._one("Account"), **changed)

    def delete_account(self) -> None:
        self.org.delete("Account", self._one("Account"))

    def delete_account_for_good(self) -> None:
        self.org.hard_delete("Account", self._one("Account"))

    def undelete_account(self) -> None:
        self.org.undelete("Account", self._one("Account", binned=True))

    def merge_accounts(self) -> None:
        self._merge("Account")

    def change_preferences(self) -> None:
        kept = [row["Id"] for row in self.org.rows("UserPreference")]
        self.org.insert("UserPreference", Preference="57", Value=f"New {self.turn}")
        if kept and self.dice.random() < 0.5:
            self.org.update("UserPreference", str(self.dice.choice(kept)), Value=f"Set {self.turn}")
        if kept and self.dice.random() < 0.5:
            self.org.hard_delete("UserPreference", str(self.dice.choice(kept)))

    def begin_or_commit(self) -> None:
        if self.late is None:
            self.late = self.stack.enter_context(self.org.transaction())
        else:
            self.commit()

    def commit(self) -> None:
        self.stack.close()
        self.late = None

    # Activities and files

    def settle_in(self) -> None:
        for number in range(9):
            self.org.insert("Task", Subject=f"Task {number}", Status="Open")
        for number in range(4):
            self.org.insert("ContentDocument", Title=f"Document {number}")
        for _ in range(9):
            self.insert_link()

    def insert_task(self) -> None:
        self.org.insert("Task", Subject=f"New {self.turn}", Status=self.dice.choice(["Open", "Completed"]))

    def archive_task(self) -> None:
        self.org.archive("Task", self._one("Task"))

    def delete_task(self) -> None:
        self.org.delete("Task", self._one("Task"))

    def delete_task_for_good(self) -> None:
        self.org.hard_delete("Task", self._one("Task"))

    def insert_link(self) -> None:
        visibility = self.dice.choice(["AllUsers", "InternalUsers"])
        document, entity = self._one("ContentDocument"), self._one("Account")
        self.org.insert("ContentDocumentLink", ContentDocumentId=document, LinkedEntityId=entity, Visibility=visibility)

    def hide_link(self) -> None:
        visibility = self.dice.choice(["AllUsers", "InternalUsers"])
        self.org.update("ContentDocumentLink", self._one("ContentDocumentLink"), Visibility=visibility)

    def delete_link(self) -> None:
        self.org.delete("ContentDocumentLink", self._one("ContentDocumentLink"))

    def delete_link_for_good(self) -> None:
        self.org.hard_delete("ContentDocumentLink", self._one("ContentDocumentLink"))

    def retitle_document(self) -> None:
        title = self.dice.choice(["Hidden", f"Set {self.turn}"])
        self.org.update("ContentDocument", self._one("ContentDocument"), Title=title)

    # What leaves no stamp

    def empty_recycle_bin(self) -> None:
        self.org.empty_recycle_bin(self.dice.choice(["Contact", "Account"]))

    def purge_delete_log(self) -> None:
        self.org.advance(
            minutes=1
        )  # the log tells whole minutes, and what was deleted in its first one is gone as well
        self.org.purge_delete_log()

    def hide_rows(self) -> None:
        everyone = [str(row["Id"]) for row in self.org.rows("Contact", deleted=True)]
        self.hidden = set(self.dice.sample(everyone, k=min(len(everyone), self.dice.randrange(5))))
        self.org.restrict_rows("Contact", self.hidden)
        self.unstamped = True

    def hide_level(self) -> None:
        self.org.hide_field("Contact", "Level__c")
        self.level_hidden = True

    def show_everything(self) -> None:
        self.org.show_everything()
        self.hidden.clear()
        self.unstamped = True
        self.level_hidden, self.level_shown_at = False, self.org.now

    @property
    def unsure(self) -> tuple[str, ...]:
        """Columns that need not be right yet: a field that was shown is looked for once a day."""
        shown = self.level_shown_at
        waiting = shown is not None and self.org.now - shown < _LEVEL_SEEN_WITHIN
        return ("level",) if self.level_hidden or waiting else ()

    # Time

    def wait_seconds(self) -> None:
        self.org.advance(seconds=self.dice.randrange(200))

    def wait_hours(self) -> None:
        self.org.advance(hours=self.dice.randrange(30))

    def wait_days(self) -> None:
        self.org.advance(days=self.dice.randrange(20))

    # The org's machinery

    def expire_tokens(self) -> None:
        self.org.expire_tokens()

    def move_instance(self) -> None:
        self.org.move_instance(unreachable=self.dice.random() < 0.5)

    def rotate_refresh_tokens(self) -> None:
        self.org.rotate_refresh_tokens = not self.org.rotate_refresh_tokens

    def expire_locators(self) -> None:
        self.org.expire_locators()

    def forget_bulk_jobs(self) -> None:
        self.org.forget_bulk_jobs()

    def fail_bulk_jobs(self) -> None:
        self.org.fail_bulk_jobs("Internal error", times=self.dice.randint(1, 2))

    def shorten_bulk_pages(self) -> None:
        self.org.shorten_bulk_pages(self.dice.randint(1, 3))

    def miscount_bulk_rows(self) -> None:
        self.org.bulk_count_off = self.dice.choice([-1, 0, 2])

    def keep_bulk_out(self) -> None:
        self.org.not_in_bulk = set(self.dice.sample(["Contact", "Account", "UserPreference"], k=1))

    def spend_bulk_jobs(self) -> None:
        self.org.bulk_jobs_limit = self.org.bulk_jobs_used

    def spend_calls(self) -> None:
        self.org.api_limit = self.org.api_used + self.dice.randrange(12)

    def slow_queries(self) -> None:
        self.org.query_timeout_rows = self.dice.choice([None, 2, 9])

    def break_things(self) -> None:
        self.org.clear_faults()
        for fault, match in self.dice.sample(FAULTS, k=self.dice.randint(1, 4)):
            self.org.add_fault(fault, match=match, every=self.dice.randint(7, 13))
        stray = Fault.status(self.dice.choice(STATUSES), self.dice.choice(["", "<html>blocked"]))
        self.org.add_fault(stray, match=self.dice.choice(RESOURCES), every=self.dice.randint(1, 7))

    def fail_replication(self) -> None:
        """Answer getUpdated or getDeleted with nothing of Salesforce's until all comes to rest."""
        stray = Fault.status(self.dice.choice(STATUSES), self.dice.choice(["", "<html>blocked"]))
        self.org.add_fault(stray, match=self.dice.choice(["/updated", "/updated", "/deleted"]), times=None)

    def turn_hostile(self) -> None:
        """Answer some requests, until all comes to rest, as a server does that means no good."""
        for fault in self.dice.sample(HOSTILE, k=2):
            resource = "/query" if fault.alteration else self.dice.choice(RESOURCES)
            self.org.add_fault(fault, match=resource, every=self.dice.randint(1, 4))

    def end_queries_early(self) -> None:
        """End one query in two before its last row."""
        self.org.add_fault(Fault.done_too_early(), match="/query", every=2)

    def rest(self) -> None:
        """Commit what is open, undo what keeps orgsync from reading everything, and let the minute pass."""
        self.commit()
        self.org.advance(minutes=2)
        self.org.clear_faults()
        self.org.query_timeout_rows, self.org.bulk_count_off = None, 0
        self.org.bulk_jobs_limit, self.org.api_limit = 10_000, 100_000
        self.org.not_in_bulk = set()

    def _values(self) -> dict[str, Any]:
        email = self.dice.choice([None, "a@example.com", "b@example.com"])
        return {"Email": email, "Level__c": self.dice.choice([None, "1", "2"])}

    def _one(self, sobject: str, *, binned: bool = False) -> str:
        rows = [row for row in self.org.rows(sobject, deleted=binned) if row["IsDeleted"] is binned]
        if not rows:
            raise LookupError
        return str(self.dice.choice(rows)["Id"])

    def _merge(self, sobject: str) -> None:
        live = [str(row["Id"]) for row in self.org.rows(sobject)]
        if len(live) < 3:
            raise LookupError
        winner, *losers = self.dice.sample(live, k=self.dice.randint(2, 3))
        self.org.merge(sobject, winner, losers)
