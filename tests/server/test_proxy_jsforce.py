"""jsforce, as a product that has it already would use it, through the proxies."""

import anyio
from anyio.from_thread import start_blocking_portal

from orgsync.demo_org import DemoOrg
from orgsync.server import listening, proxying
from tests.demo_org.jsforce_client import JsforceClient, jsforce_at, with_jsforce

from .serving import Served

pytestmark = with_jsforce


async def test_jsforce_reads_and_writes_through_the_http_api(served: Served, org: DemoOrg) -> None:
    token = await served.token("proxy")

    def call() -> None:
        with jsforce_at(f"{served.url}/api/v1/connections/acme/proxy", token) as jsforce:
            read_and_write(jsforce, org)

    await anyio.to_thread.run_sync(call)


async def test_jsforce_has_the_whole_api_where_a_proxy_is_one_connections_own(served: Served, org: DemoOrg) -> None:
    """Its Bulk calls keep the host of the instance URL alone, and so do not find the HTTP API's proxy."""

    def call() -> None:
        with listening("127.0.0.1", 0) as socket, start_blocking_portal() as portal:
            running = portal.start_task_soon(lambda: proxying(socket, "acme", settings=served.project.settings))
            with jsforce_at(f"http://127.0.0.1:{socket.getsockname()[1]}", "any") as jsforce:
                read_and_write(jsforce, org)
                assert len(jsforce("bulkQuery", "SELECT Id, LastName FROM Contact")) == len(org.rows("Contact"))
                loaded = jsforce("bulkLoad", "Contact", "insert", None, [{"LastName": "Loaded"}])
                assert (len(loaded["successfulResults"]), loaded["failedResults"]) == (1, [])
            running.cancel()

    await anyio.to_thread.run_sync(call)


def read_and_write(jsforce: JsforceClient, org: DemoOrg) -> None:
    """Follow addresses that the org answers with, and send what is of some size."""
    found = jsforce("queryEveryPage", "SELECT Id FROM Contact ORDER BY Id", False)
    assert [record["Id"] for record in found["records"]] == [row["Id"] for row in org.rows("Contact")]
    made = jsforce("create", "Contact", [{"LastName": f"Proxied {number}"} for number in range(200)])
    assert all(each["success"] for each in made)
    assert jsforce("destroy", "Contact", made[0]["id"])["success"]
    assert jsforce.answer("userinfo")["error"]  # which is not of the API that is passed on
