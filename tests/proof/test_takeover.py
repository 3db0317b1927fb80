"""A run that is stopped past its lease, while another takes over, writes nothing when it wakes."""

import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from subprocess import Popen

from orgsync.demo_org import DemoOrg, Fault
from tests.cli.commandline import finished, objects, started, variables_for
from tests.raw_database import everything, execute

_LEASE = {"ORGSYNC_LEASE": "1"}


def test_a_run_that_wakes_after_another_took_over_writes_nothing(tmp_path: Path, org: DemoOrg) -> None:
    org.page_size = 5
    (tmp_path / "orgsync.toml").touch()
    connected = ("connect", "acme", "--flow", "refresh-token", "--login-url", org.url)
    assert finished(tmp_path, *connected, env=variables_for(org)).code == 0
    org.add_fault(Fault.delay(2), match="/query", times=None)
    with started(tmp_path, "run", "contacts", "--json", env=_LEASE) as sleeper:
        while not copied(tmp_path):
            assert sleeper.poll() is None, sleeper.communicate()
            time.sleep(0.01)
        stop_between_writes(sleeper, tmp_path)  # it has committed a page, and waits for the next
        org.clear_faults()
        try:
            while finished(tmp_path, "run", "contacts", env=_LEASE).code:
                pass  # until the sleeper's lease has run out
            assert len(copied(tmp_path)) == len(org.rows("Contact"))
            for contact in org.rows("Contact"):
                org.update("Contact", str(contact["Id"]), LastName="Set behind its back")
            before = everything(tmp_path)
        finally:
            sleeper.send_signal(signal.SIGCONT)
        out, err = sleeper.communicate(timeout=120)
    assert sleeper.returncode == 1, err
    assert "was taken over" in err
    assert "Traceback" not in err
    assert objects(out)[0]["status"] == "failed"
    assert everything(tmp_path) == before


def stop_between_writes(process: Popen[str], folder: Path) -> None:
    """Stop a process where it holds no lock on SQLite's file: while it held one, nobody could take over."""
    while True:
        process.send_signal(signal.SIGSTOP)
        file = folder / ".orgsync" / "orgsync.db"
        if not file.exists():
            return  # the database is a server's, where a transaction of its own keeps nobody out for long
        with closing(sqlite3.connect(file, timeout=0.5, isolation_level=None)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
                continue
            database.execute("ROLLBACK")
            return


def copied(folder: Path) -> list[str]:
    """Read the Ids that the copy has; none as long as there is no table."""
    if not execute(folder, "SELECT 1 FROM orgsync_table_owner WHERE name = 'contact'"):
        return []
    return [row_id for (row_id,) in execute(folder, "SELECT id FROM contact")]
