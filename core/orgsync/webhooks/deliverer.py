"""Who delivers: any process that serves or schedules; each endpoint has one deliverer at a time, across processes.

The lock of an endpoint ends with its holder, so a process that was killed is followed by the next that looks. A message
is noted as delivered after the receiver has accepted it: one that was accepted right before a kill arrives twice, with
one id.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import anyio
from anyio.abc import TaskGroup

from orgsync.errors import AlreadyRunning, OrgsyncError
from orgsync.salesforce.http.transport import HttpxTransport
from orgsync.settings import Settings
from orgsync.store import Store
from orgsync.store.webhook_table import Delivery, WebhookRow

from .addresses import Allowed, Resolve, resolve
from .log import DeliveryLog
from .pauses import next_attempt
from .sending import GONE, Attempt, require_signing, send

__all__ = ["Deliverer", "deliver", "deliver_due"]

_LOOK_EVERY = 1.0
"""Seconds between looks for what is due: one small query."""
_LEFT_EVERY = 30.0
"""Seconds between looks for changes of runs whose processes have died."""
_TIDY_EVERY = 86_400.0
_KEPT = timedelta(days=30)
"""How long deliveries are listed."""
_ENDPOINTS_AT_ONCE = 8
_CONNECTIONS_AT_ONCE = 4
_PAGE = 50
_BUSY = (429, 502, 503, 504)
"""What says that nothing else should be sent there either, as no answer does."""


async def deliver(store: Store, settings: Settings) -> None:
    """Deliver what is due whenever it is due, until cancelled. Whatever goes wrong is logged, and tried again."""
    await Deliverer(store, settings).run()


async def deliver_due(store: Store, settings: Settings) -> None:
    """Deliver what is due now, once."""
    await Deliverer(store, settings).run_due()


class Deliverer:
    """Delivers the messages of one store."""

    def __init__(self, store: Store, settings: Settings, *, resolver: Resolve = resolve) -> None:
        self._webhooks = store.webhooks
        self._settings = settings
        self._resolver = resolver
        self._log = DeliveryLog()
        self._at_work: set[str] = set()
        self._room = anyio.CapacityLimiter(_ENDPOINTS_AT_ONCE)
        self._left_at = self._tidy_at = 0.0

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with anyio.create_task_group() as group:
            while True:
                await self._look(group)
                await anyio.sleep(_LOOK_EVERY)

    async def run_due(self) -> None:
        """Deliver what is due now, and return when it has been tried."""
        async with anyio.create_task_group() as group:
            await self._look(group)

    async def _look(self, group: TaskGroup) -> None:
        """Begin to deliver to each endpoint that something is due for; a fault of the database is waited out."""
        try:
            await self._tidy()
            due = await self._webhooks.due()
            if due:
                require_signing()
            for webhook in due:
                if webhook not in self._at_work:
                    self._at_work.add(webhook)
                    group.start_soon(self._serve, webhook)
            self._log.works("")
        except OrgsyncError as problem:
            self._log.problem("", problem)

    async def _tidy(self) -> None:
        now = anyio.current_time()
        if now >= self._left_at:
            self._left_at = now + _LEFT_EVERY
            await self._webhooks.tell_left()
        if now >= self._tidy_at:
            self._tidy_at = now + _TIDY_EVERY
            await self._webhooks.remove_before(await self._webhooks.now() - _KEPT)

    async def _serve(self, webhook: str) -> None:
        """Deliver to one endpoint, unless somebody else does."""
        try:
            async with self._room, self._webhooks.lock(webhook):
                await self._deliver_to(webhook)
        except AlreadyRunning:
            return
        except OrgsyncError as problem:
            self._log.problem(webhook, problem)
        finally:
            self._at_work.discard(webhook)

    async def _deliver_to(self, webhook: str) -> None:
        """Deliver page by page, in order for each connection, until there is nothing or nothing more may be tried."""
        transport, after = HttpxTransport(), 0
        try:
            while True:
                row = next((each for each in await self._webhooks.list() if each.id == webhook), None)
                page = await self._webhooks.pending(webhook, after=after, limit=_PAGE)
                if row is None or row.off_reason is not None or not page:
                    return
                round_ = _Round(self, row, transport, self._webhooks.secrets(row, await self._webhooks.now()))
                await round_.deliver(page)
                if round_.is_over:
                    return
                after = page[-1].id
        finally:
            with anyio.CancelScope(shield=True):
                await transport.aclose()

    async def attempt(
        self, row: WebhookRow, delivery: Delivery, transport: HttpxTransport, secrets: Sequence[str]
    ) -> Attempt:
        """Send one message once, and note what became of it."""
        attempt = await send(
            transport,
            row.url,
            message=delivery.message,
            body=delivery.body,
            secrets=secrets,
            allowed=Allowed.of(self._settings),
            resolver=self._resolver,
        )
        with anyio.CancelScope(shield=True):
            await self._note(row, delivery, attempt)
        return attempt

    async def _note(self, row: WebhookRow, delivery: Delivery, attempt: Attempt) -> None:
        if attempt.succeeded:
            await self._webhooks.delivered(delivery, attempt.status or 0)
            self._log.works(row.id)
            return
        now = await self._webhooks.now()
        due = next_attempt(delivery.attempts, delivery.first_tried_at, now=now, retry_after=attempt.retry_after)
        off = ""
        if attempt.status == GONE:
            off = "The receiver wants no more messages (status 410)."
        elif due is None:
            off = f"A message could not be delivered for a day. The last attempt: {attempt.problem}"
        pause_all = attempt.status is None or attempt.status in _BUSY
        await self._webhooks.failed(
            delivery, status=attempt.status, problem=attempt.problem, at=now, next_at=due or now, pause_all=pause_all
        )
        if off and await self._webhooks.switch_off(row.id, off):
            self._log.switched_off(row.id, off)
        elif not off:
            self._log.failed(row.id, attempt.problem)


class _Round:
    """One page of messages for one endpoint."""

    def __init__(
        self, deliverer: Deliverer, row: WebhookRow, transport: HttpxTransport, secrets: Sequence[str]
    ) -> None:
        self._deliverer = deliverer
        self._row = row
        self._transport = transport
        self._secrets = secrets
        self._room = anyio.CapacityLimiter(_CONNECTIONS_AT_ONCE)
        self.is_over = False
        self.problem: OrgsyncError | None = None

    async def deliver(self, page: Sequence[Delivery]) -> None:
        """Deliver a page: several connections at a time, each one's messages one after the other."""
        lanes: defaultdict[str, list[Delivery]] = defaultdict(list)
        for each in page:
            lanes[each.connection].append(each)
        async with anyio.create_task_group() as group:
            for lane in lanes.values():
                group.start_soon(self._deliver_lane, lane)
        if self.problem is not None:
            raise self.problem

    async def _deliver_lane(self, lane: Sequence[Delivery]) -> None:
        async with self._room:
            for each in lane:
                if self.is_over:
                    return
                try:
                    attempt = await self._deliverer.attempt(self._row, each, self._transport, self._secrets)
                except OrgsyncError as problem:  # a task group would wrap it in a group
                    self.problem, self.is_over = problem, True
                    return
                if not attempt.succeeded:
                    # One that answers may accept other connections' messages; one that does not, none.
                    self.is_over = self.is_over or attempt.status is None or attempt.status in (*_BUSY, GONE)
                    return
