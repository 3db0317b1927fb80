"""The rows of child queries are read as strictly as those of queries."""

from typing import Any

import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import QueryIncomplete, ResponseUnreadable
from orgsync.salesforce.api.query import records
from tests.api.clients import client_of

SOQL = "SELECT Id, (SELECT Id FROM Contacts) FROM Account"


@pytest.mark.parametrize(
    ("odd", "raised"),
    [
        ({"records": None}, ResponseUnreadable),
        ({"records": ...}, ResponseUnreadable),
        ({"done": ...}, ResponseUnreadable),
        ({"done": "false"}, ResponseUnreadable),
        ({"done": None}, ResponseUnreadable),
        ({"done": False, "nextRecordsUrl": None}, ResponseUnreadable),
        ({"totalSize": -1, "nextRecordsUrl": "/services/data/v62.0/query/01g-2"}, ResponseUnreadable),
        ({"totalSize": "3"}, ResponseUnreadable),
        ({"totalSize": 30}, QueryIncomplete),
    ],
)
async def test_a_child_querys_rows_of_an_odd_shape_are_no_answer(
    org: DemoOrg, odd: dict[str, Any], raised: type[Exception]
) -> None:
    def oddly(page: dict[str, object], path: str) -> dict[str, object]:
        rows: Any = page["records"]
        child = {"totalSize": 3, "done": True, "records": [{"Id": f"00350000000000{at}AAA"} for at in range(3)]}
        child = {name: value for name, value in (child | odd).items() if value is not ...}
        return {**page, "records": [{**row, "Contacts": child} for row in rows]}

    org.add_fault(Fault.altering(oddly), match="/query", times=None)
    async with client_of(org, signed_in=True) as client:
        with pytest.raises(raised):
            [row async for row in records(client, SOQL)]
