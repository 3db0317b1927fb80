"""All that was recorded from real orgs, gone through by the real client in recorded order, or left out for a reason."""

import re
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import cast

import pytest

from orgsync.errors import OrgsyncError
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.session import Session
from orgsync.salesforce.http.http import Http
from orgsync.scripts import ConnectionInfo
from orgsync.scripts import Org as OpenOrg
from orgsync.writes import Ledgers
from tests.auth.vaults import MemoryVault
from tests.recordings import FOLDER, exchanges, needs_recordings, playing

from .asking import Org
from .exchange import Exchange
from .kinds import KINDS, LEFT_OUT, Kind, accounts_of, kind_of
from .meanings import MEANINGS, meaning_of
from .units import all_exchanges, units

pytestmark = needs_recordings

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # made once: reading the certificates takes longer than a test
HERE = datetime(2030, 1, 1, tzinfo=UTC)
"""This machine's time, which no recorded org has."""


def labelled(exchange: Exchange) -> str:
    """Name an exchange and what becomes of it."""
    account = next(iter(accounts_of(exchange)), None)
    fate = (
        f"read as {account.name}" if isinstance(account, Kind) else f"left out, {account.why}" if account else "neither"
    )
    request = f"{exchange.method} {exchange.path}" if exchange.method else "an answer alone"
    return f"{exchange.source.partition('+')[0]} {Path(exchange.file).stem[-30:]} {exchange.n}: {request}: {fate}"


@pytest.mark.parametrize("exchange", all_exchanges(), ids=labelled)
def test_a_recorded_exchange_is_read_or_left_out_for_one_reason(exchange: Exchange) -> None:
    assert len(accounts_of(exchange)) == 1, f"{exchange.file} {exchange.n}: {exchange.method} {exchange.path}"


@pytest.mark.parametrize(
    "unit", [name for name, found in units().items() if any(map(kind_of, found))], ids=lambda name: name[-90:]
)
async def test_recorded_traffic_is_gone_through_in_order(unit: str) -> None:
    ours = [each for each in units()[unit] if kind_of(each)]
    with playing(ours, to_the_letter=True) as tape:
        async with org_of(ours, tape.url) as org:
            while tape.pending:
                ahead = list(tape.pending)
                await go_on(org, ahead)
                assert len(tape.pending) < len(ahead), "nothing was asked"
                assert not tape.surprises
            assert_what_headers_tell_is_known(org.client, ours)


async def go_on(org: Org, ahead: list[Exchange]) -> None:
    """Ask for the next recorded exchange, and for those that the client then asks for by itself."""
    first = ahead[0]
    is_renewed = first.status == 401 and ahead[1].status == 200
    answered = ahead[2] if is_renewed else first
    problem = meaning_of(answered)
    kind = kind_of(first)
    assert kind is not None
    if problem is None:
        found = await kind.ask(org, answered)
        kind.check(found, whole(ahead[2:] if is_renewed else ahead))
        return
    with pytest.raises(OrgsyncError) as caught:
        await kind.ask(org, first)
    assert type(caught.value) is problem
    assert caught.value.cause
    assert caught.value.remedy


def assert_what_headers_tell_is_known(client: Client, recorded: list[Exchange]) -> None:
    """Look at what the client keeps of the answers to its own requests: the org's time, and the use of its limit."""
    aside = ("token", "identity", "versions")
    answers = [dict(each.headers) for each in recorded if (kind := kind_of(each)) and kind.name not in aside]
    headers = [{name.lower(): value for name, value in each.items()} for each in answers]
    times = [each["date"] for each in headers if "date" in each]
    assert client.now == (parsedate_to_datetime(times[-1]) if times else HERE)
    usages = [each["sforce-limit-info"].removeprefix("api-usage=") for each in headers if "sforce-limit-info" in each]
    used = [int(usage.partition("/")[0]) for usage in usages]
    assert (client.usage.used, client.usage.limit) == (
        (max(used), int(usages[-1].partition("/")[2])) if usages else (None, None)
    )


def whole(ahead: list[Exchange]) -> list[Exchange]:
    """Take the answers that belong together: the pages of a query, and the looks at a job up to its end."""
    taken: list[Exchange] = []
    for exchange in ahead:
        taken.append(exchange)
        is_unfinished = '"nextRecordsUrl"' in exchange.body and re.search(r'"done"\s*:\s*false', exchange.body)
        if not is_unfinished and not re.search(r'"state"\s*:\s*"InProgress"', exchange.body):
            break
    return taken


_NO_LEDGERS = cast("Ledgers", None)  # no recorded exchange is a write that could be resumed


@asynccontextmanager
async def org_of(recorded: list[Exchange], url: str) -> AsyncGenerator[Org]:
    """Hold a recorded org: with a token that is dead or alive, or, where a sign-in is recorded first, with none."""
    signs_in = (recorded[0].path or "").endswith("/token")
    vault = MemoryVault(
        Credentials(
            grant="refresh-token",
            login_url=url,
            client_id="x",
            client_secret="y",
            refresh_token="kept",
            access_token=None if signs_in else "dead or alive",
            instance_url=url,
        )
    )
    versions = re.findall(r"/services/data/v([\d.]+)", " ".join(each.path or "" for each in recorded))
    async with Http(tls=NO_TLS) as http:
        session = Session(http, vault)
        version = versions[0] if versions else "62.0"
        client = Client(http, session, api_version=version, login_url=url, retry_for=1e-9, clock=lambda: HERE)
        connection = ConnectionInfo("recorded", "00D", "005", "production", url)
        yield Org(url, http, vault, session, client, OpenOrg(connection, client, ledgers=_NO_LEDGERS))


def test_every_file_is_read_or_left_out() -> None:
    about = {"README.md", "LICENSE", "LICENSE.txt", "exchanges.jsonl"}
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    read = {each.file.partition("#")[0] for each in all_exchanges()}
    includes = {path for path in files if path.endswith("test_datasets_read_explicit_extract_declaration.yaml")}
    unknown = {path for path in files - read - includes if Path(path).name not in about}
    assert {path for path in unknown if not any(re.fullmatch(each.looks, path) for each in LEFT_OUT)} == set()


def test_no_rule_is_idle() -> None:
    accounts = [account for each in all_exchanges() for account in accounts_of(each)]
    assert {kind.name for kind in KINDS} == {each.name for each in accounts if isinstance(each, Kind)}
    files = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*")]
    for rule in LEFT_OUT:
        assert rule in accounts or any(re.fullmatch(rule.looks, path) for path in files), rule
    raised = {meaning_of(each) for each in all_exchanges() if kind_of(each)}
    assert raised - {None} == {kind for _, kind in MEANINGS}


def test_each_format_gives_what_the_whole_of_the_exchanges_says() -> None:
    read = {(each.file, each.n): each for each in all_exchanges()}
    reported = [each for each in exchanges() if each.method]
    assert len(reported) > 90
    assert [read[each.file, each.n] for each in reported] == reported
