"""Calls a served project with the generated client that is beside it; its own process, for the client needs packages.

Arguments: the folder of the client's package `made`, the server's URL, a token. What came back is printed as JSON.
"""
# mypy: ignore-errors
# pyright: basic, reportMissingImports=false

import json
import sys

folder, url, token = sys.argv[1:]
sys.path.insert(0, folder)

from made import AuthenticatedClient  # noqa: E402
from made.api.connections import list_connections  # noqa: E402
from made.api.jobs import post_job  # noqa: E402
from made.api.records import read_changes, read_rows  # noqa: E402
from made.api.runs import list_runs  # noqa: E402
from made.models import NewJob, Problem  # noqa: E402

with AuthenticatedClient(url, token) as client:
    posted = post_job.sync(client=client, body=NewJob("contacts", connection="acme"), wait=30.0)
    rows = read_rows.sync("contact", client=client, columns=["id"], limit=10)
    behind = read_rows.sync("contact", client=client, columns=["id"], cursor=rows.next_)
    changes = read_changes.sync("contact", client=client, after=20, connection="acme")
    refused = list_runs.sync(client=client, sync="contcts")
    found = {
        "connections": [each.name for each in list_connections.sync(client=client).connections],
        "job": [posted.jobs[0].state.value, posted.jobs[0].run.added, posted.jobs[0].run.started_at.isoformat()],
        "rows": [each["id"] for page in (rows, behind) for each in page.rows],
        "changes": [changes.last, [each["sync_seq"] for each in changes.changes]],
        "problem": [isinstance(refused, Problem), refused.status, refused.code],
    }
print(json.dumps(found))
