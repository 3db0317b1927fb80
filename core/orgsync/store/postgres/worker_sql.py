"""The statements on the tables of workers and their jobs."""
# ruff: noqa: S608 # they are made of constants alone

from .control_sql import NOW

__all__: list[str] = []

TIME = f"SELECT {NOW}"
_LATER = f"{NOW} + make_interval(secs => %s)"

SEE = (
    f"INSERT INTO orgsync_worker (name, concurrency, plans, started_at, seen_at) VALUES (%s, %s, %s, {NOW}, {NOW}) "
    "ON CONFLICT (name) DO UPDATE SET concurrency = excluded.concurrency, plans = excluded.plans, "
    "seen_at = excluded.seen_at"
)
LEAVE = "DELETE FROM orgsync_worker WHERE name = %s"
REMOVE_UNSEEN = f"DELETE FROM orgsync_worker WHERE seen_at < {NOW} - make_interval(secs => %s)"

BEGIN_PLANNING = (
    "INSERT INTO orgsync_sequence AS last (name, value) VALUES ('planner', 1) "
    "ON CONFLICT (name) DO UPDATE SET value = last.value + 1 RETURNING value"
)
MAY_PLAN = "SELECT 1 FROM orgsync_sequence WHERE name = 'planner' AND value = %s FOR SHARE"

SEND = (
    "INSERT INTO orgsync_job (job, priority, state, epoch, since, expires_at, waits, exit_code) "
    f"SELECT job, 0, 'sent', 1, {NOW}, {_LATER}, false, 0 "
    "FROM unnest(%s::text[]) WITH ORDINALITY AS given (job, place) ORDER BY place RETURNING id, epoch, priority"
)
SEND_AGAIN = (
    f"UPDATE orgsync_job SET state = 'sent', epoch = epoch + 1, since = {NOW}, expires_at = {_LATER}, worker = NULL, "
    "waits = false WHERE id = ANY(%s) AND state IN ('requested', 'sent', 'running') RETURNING id, epoch, priority"
)
REQUEST = (
    "INSERT INTO orgsync_job (job, priority, state, epoch, since, waits, exit_code) "
    f"VALUES (%s, %s, 'requested', 0, {NOW}, false, 0) RETURNING id"
)
_ROW = (
    "id, job, priority, state, epoch, since, worker, waits, "
    f'coalesce(expires_at < {NOW}, false), "end", run_id, cause, remedy, error_code, exit_code'
)
UNDER_WAY = f"SELECT {_ROW} FROM orgsync_job WHERE state <> 'reported' ORDER BY id"
GET = f"SELECT {_ROW} FROM orgsync_job WHERE id = %s"
TAKE_ENDED = f"DELETE FROM orgsync_job WHERE state = 'ended' AND priority = 0 RETURNING {_ROW}"
TAKE_AWAITED = (
    f"UPDATE orgsync_job SET state = 'reported', since = {NOW} WHERE state = 'ended' AND priority > 0 RETURNING {_ROW}"
)
REMOVE = "DELETE FROM orgsync_job WHERE id = ANY(%s)"
REMOVE_REPORTED = f"DELETE FROM orgsync_job WHERE state = 'reported' AND since < {NOW} - make_interval(secs => %s)"
TAKE = (
    f"UPDATE orgsync_job AS j SET state = 'running', worker = %s, since = {NOW}, expires_at = {_LATER} "
    "FROM unnest(%s::bigint[], %s::int[]) AS given (given_id, given_epoch) "
    "WHERE j.id = given_id AND j.epoch = given_epoch AND j.state = 'sent' "
    f"RETURNING {_ROW}"
)
RENEW = (
    f"UPDATE orgsync_job SET expires_at = {_LATER}, waits = id = ANY(%s) WHERE worker = %s AND state = 'running' "
    "RETURNING id, epoch, priority"
)
END = (
    f"UPDATE orgsync_job AS j SET state = 'ended', since = {NOW}, \"end\" = given.ended, run_id = given.run, "
    "cause = given.why, remedy = given.what, error_code = given.code, exit_code = given.exit "
    "FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[]) "
    "AS given (given_id, given_epoch, ended, run, why, what, code, exit) "
    "WHERE j.id = given_id AND j.epoch = given_epoch AND j.state = 'running'"
)
