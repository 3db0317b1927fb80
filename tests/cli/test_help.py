"""What the command says of itself, and what its start costs and imports: there it is a new program."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg

from .commandline import Command

COMMANDS = [
    "demo",
    "init",
    "connect",
    "connections",
    "doctor",
    "new",
    "syncs",
    "run",
    "up",
    "worker",
    "schedule",
    "status",
    "drift",
    "runs",
    "records",
    "backup",
    "move",
    "keys",
    "reset",
    "record",
    "cassettes",
    "write",
    "actions",
    "do",
    "api",
    "serve",
    "proxy",
    "mcp",
    "tokens",
    "webhooks",
]
BELOW_CONNECTIONS = ["list", "show", "rename", "remove", "test"]


def test_help_lists_every_command_in_the_order_in_which_they_are_needed(orgsync: Command) -> None:
    out = orgsync("--help").out
    section = out[out.index("Commands:") : out.index("EXAMPLES")]
    assert [line.split()[0] for line in section.splitlines()[1:] if line.strip()] == COMMANDS
    assert "..." not in section  # no summary is cut short


@pytest.mark.parametrize(
    "command",
    [[name] for name in COMMANDS]
    + [["connections", name] for name in BELOW_CONNECTIONS]
    + [["new", "sync"], ["cassettes", "check"], ["keys", "rotate"]],
    ids=" ".join,
)
def test_every_command_has_help_with_an_example_of_itself(command: list[str], orgsync: Command) -> None:
    out = orgsync(*command, "--help").out
    assert out.startswith(f"Usage: orgsync {' '.join(command)} ")
    assert re.fullmatch(r"  [A-Z].+", out.splitlines()[2])  # what it does
    assert f"orgsync {' '.join(command)}" in out[out.index("EXAMPLES") :]
    reported = out.partition("EXAMPLES")[0]
    assert not re.search(r"<(str|int|path|list|file)|[{}]|\[\[", reported, re.IGNORECASE)  # types are for programmers
    assert not re.search(r"--\S*(secret|token|password)", out)  # they are not options


def test_the_usage_line_names_arguments_as_the_examples_do(orgsync: Command) -> None:
    def usage(*words: str) -> str:
        return orgsync(*words, "--help").out.splitlines()[0].partition("[OPTIONS] ")[2]

    assert [usage("run"), usage("runs"), usage("cassettes", "check")] == ["[SYNC...]", "[ID]", "[PATH...]"]
    assert usage("connections", "rename") == "CONNECTION NEW"


def test_the_version_is_the_packages(orgsync: Command) -> None:
    assert orgsync("--version").out.startswith("orgsync 0.")


def test_without_a_command_the_help_is_shown(orgsync: Command) -> None:
    outcome = orgsync()
    assert outcome.code == 2
    assert outcome.err.startswith("Usage: orgsync")


def test_help_takes_less_than_three_times_the_processor_time_of_importing_typer() -> None:
    """A ratio holds on a busy machine, too; the seconds are in the benchmarks."""
    program = str(Path(sys.executable).with_name("orgsync"))
    calls = {"help": [program, "--help"], "typer": [sys.executable, "-c", "import typer"]}
    measured: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(3):  # the best of three: the first may have to compile
        for name, call in calls.items():
            measured[name].append(processor_seconds(call))
    assert min(measured["help"]) < 3 * min(measured["typer"])


def processor_seconds(call: list[str]) -> float:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    process = subprocess.Popen(call, stdout=subprocess.DEVNULL, env=clean)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def last_line_of(code: str) -> str:
    """Run code in a process of its own, and return the last line that it prints."""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()[-1]


def test_a_command_ends_without_looking_for_cycles_in_what_it_has_imported() -> None:
    code = (
        "import gc, sys; from orgsync_cli.entry_point import main\n"
        "sys.argv[1:] = ['--version']\n"
        "try: main()\n"
        "finally: print(gc.get_freeze_count() > len(sys.modules))"
    )
    assert last_line_of(code) == "True"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from orgsync_cli.main import app; import typer.main;"
        "[*typer.main.get_command(app).commands.values()];"
        "print([name for name in ('rich', 'sqlalchemy', 'httpx', 'anyio', 'pydantic', 'structlog', 'lark')"
        " if name in sys.modules])"
    )
    assert last_line_of(code) == "[]"


def test_an_unknown_command_or_option_is_a_usage_error(orgsync: Command) -> None:
    assert orgsync("rnu").code == 2
    refused = orgsync("run", "contacts", "--ful")
    assert refused.code == 2
    assert "--full" in refused.err


@pytest.mark.parametrize(
    "words",
    [
        *("status", "status --json", "syncs", "runs", "runs 1", "records contact", "records contact --where 1"),
        *("connections", "connections show acme", "doctor -h"),
    ],
)
def test_a_command_that_only_reads_the_copy_imports_nothing_that_only_work_on_it_needs(
    words: str, acme: DemoOrg, orgsync: Command, folder: Path
) -> None:
    assert orgsync("run", "contacts").code == 0
    (folder / "orgsync.toml").write_text('objects = [{name = "Case", every = "15m", reconcile = "1d"}]\n')
    heavy = ["sqlalchemy", "sqlmodel", "alembic", "httpx", "cryptography", "jwt", "structlog", "asyncio", "msgspec"]
    heavy += ["anyio", "stamina", "filelock", "rich.console"]
    code = (
        "import sys; from orgsync_cli.main import app\n"
        f"try: app({words.split()})\n"
        f"finally: print([name for name in {heavy} if name in sys.modules])"
    )
    assert last_line_of(code) == "[]"


def test_a_run_imports_nothing_that_only_shows_things_at_a_terminal(acme: DemoOrg) -> None:
    code = (
        "import sys; from orgsync_cli.main import app\n"
        "try: app(['run', 'contacts'])\n"
        "finally: print([name for name in ('rich', 'pygments', 'click', 'httpx', 'structlog') if name in sys.modules])"
    )
    assert last_line_of(code) == "['httpx', 'structlog']"


@pytest.mark.parametrize("group", ["cassettes", "connections", "keys", "new", "tokens", "webhooks"])
def test_every_command_of_a_group_has_examples(orgsync: Command, group: str) -> None:
    listed = orgsync(group, "--help").out.partition("Commands:\n")[2].partition("\n\n")[0]
    names = re.findall(r"^  (\w[\w-]*)", listed, re.MULTILINE)
    assert names
    for name in names:
        shown = orgsync(group, name, "--help").out.partition("EXAMPLES\n")[2]
        assert f"orgsync {group} {name}" in shown
