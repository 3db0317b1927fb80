"""The documentation is true: its code runs, its queries are sent, its commands parse, its links lead somewhere."""

import asyncio
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import orgsync
from docs.hooks import expand
from orgsync.demo_org import DemoOrg
from orgsync.settings import Settings

from .commands import commands_in, every_command, options_of, unknown_options, used
from .pages import ROOT, Block, Page, page, pages
from .running import Program, execute_sql, normal, queries_sent
from .terminals import BROWSER, TERMINAL, Terminals, environment

PAGES = pages()
SHOWN = ("dockerfile", "ini", "javascript", "json", "toml")
SHELL = ("bash", "sh", "text")
EXECUTED = (*SHELL, "diff", "python", "sql", "yaml")
TESTS = "a test"
SOQL = "SOQL"

in_a_checkout = pytest.mark.skipif(not (ROOT / "core").is_dir(), reason="only a checkout has every file")


def each(found: list[Page]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("shown", found, ids=lambda each: each.name)


def having(*languages: str, remark: str | None = None) -> list[Page]:
    return [
        each for each in PAGES if any(remark is None or block.remark == remark for block in each.blocks(*languages))
    ]


def is_typed(shown: Page) -> bool:
    """Return whether all of a page happens in terminals; where a browser is needed too, it has a test of its own."""
    remarks = {block.remark for block in shown.blocks()}
    return any(map(TERMINAL.fullmatch, remarks)) and BROWSER not in remarks


def is_of_a_terminal(block: Block) -> bool:
    """Tell whether a block is typed into a terminal, shown by one, or a file of the folder that they work in."""
    return TERMINAL.fullmatch(block.remark) is not None or (
        block.language in ("diff", "python", "yaml") and re.fullmatch(r"[\w./-]+\.\w+", block.remark) is not None
    )


# Blocks


@each(PAGES)
def test_every_block_is_of_a_kind_that_is_looked_at(shown: Page) -> None:
    assert {block.language for block in shown.blocks()} <= {*SHOWN, *EXECUTED}
    for block in shown.blocks("python"):
        assert block.remark in ("", TESTS) or re.fullmatch(r"not run: \S.*", block.remark) or is_of_a_terminal(block), (
            block
        )
    for block in shown.blocks("sql"):
        assert block.remark in ("", SOQL), block
    for block in shown.blocks("diff", "yaml"):
        assert is_of_a_terminal(block), block


@each(having("python"))
def test_the_python_of_a_page_runs_and_its_syncs_end_well(shown: Page, program: Callable[[Page], Program]) -> None:
    running = program(shown)
    for block in shown.blocks("python"):
        if block.remark:
            compile(block.text, shown.name, "exec", dont_inherit=True)
            continue
        if missing := [name for name in shown.needs(block.line) if find_spec(name) is None]:
            pytest.skip(f"from line {block.line} on it needs {', '.join(missing)}: pip install -e '.[data]'")
        for each_sync in running.run(block):
            run = asyncio.run(orgsync.run(each_sync, connection="acme"))
            assert run.status == "done"


def test_the_tests_that_are_shown_pass_while_they_are_recorded_and_when_they_are_replayed(
    acme: DemoOrg, folder: Path
) -> None:
    [settings] = [block.text for block in page("docs/testing.md").blocks("toml") if "[tool.pytest" in block.text]
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    (folder / "tests").mkdir()
    count = 0
    for shown in having("python", remark=TESTS):
        text = "\n".join(block.text for block in shown.blocks("python") if block.remark == TESTS)
        (folder / "tests" / f"test_{shown.path.stem}.py").write_text(text, encoding="utf-8")
        count += len(re.findall(r"^async def test_", text, re.MULTILINE))
    recorded = pytest_in(folder, "--record")
    acme.stop()
    replayed = pytest_in(folder)
    assert f"{count} passed" in recorded
    assert f"{count} passed" in replayed


def pytest_in(folder: Path, *options: str) -> str:
    command = [sys.executable, "-m", "pytest", *options]
    ended = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@each([shown for shown in PAGES if is_typed(shown)])
def test_the_terminals_of_a_page_show_what_it_says(shown: Page, tmp_path: Path) -> None:
    with Terminals(shown, tmp_path) as terminals:
        terminals.run([block for block in shown.blocks() if is_of_a_terminal(block)])


@each(having("sql", remark=""))
def test_the_sql_of_a_page_can_be_asked_of_a_copy(shown: Page, database: Path) -> None:
    for block in shown.blocks("sql"):
        if not block.remark:
            execute_sql(database, block.text)


@each(having("sql", remark=SOQL))
def test_the_soql_of_a_page_is_what_its_syncs_send(
    shown: Page, program: Callable[[Page], Program], tmp_path: Path
) -> None:
    running = program(shown)
    syncs = [found for block in shown.blocks("python") if not block.remark for found in running.run(block)]
    sent: set[str] = set()
    for number, each_sync in enumerate(syncs):
        sent |= asyncio.run(queries_sent(each_sync, tmp_path / str(number)))
    for block in shown.blocks("sql"):
        if block.remark == SOQL:
            assert normal(block.text) in sent


@each(having(*SHELL))
def test_the_commands_of_a_page_are_taken_by_the_real_one(shown: Page, folder: Path) -> None:
    for block in shown.blocks(*SHELL):
        for words in commands_in(block.text):
            reported = used(words)
            assert all(word.partition("=")[0] in reported for word in words if word.startswith("--")), words


@each(PAGES)
def test_commands_in_the_prose_exist_with_their_options(shown: Page) -> None:
    for code in shown.inline():
        if code.startswith("orgsync "):
            words = [word for word in code.split()[1:] if word != "..."]
            assert unknown_options(words) == [], code


@each(having("json", "toml"))
def test_the_json_and_toml_of_a_page_can_be_read(shown: Page) -> None:
    for block in shown.blocks("json"):
        json.loads(block.text)
    for block in shown.blocks("toml"):
        read = tomllib.loads(block.text)
        if not {"tool", "project"} & set(read):
            Settings.model_validate(read)


# Links


@in_a_checkout
@each(PAGES)
def test_every_link_leads_to_something(shown: Page) -> None:
    known = {each.path: each.anchors() for each in PAGES}
    for link in shown.links():
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme in ("https", "mailto"), link
            continue
        target = (shown.path.parent / parts.path).resolve() if parts.path else shown.path
        assert target.is_relative_to(ROOT), link
        assert target.exists(), f"{shown.name} links to {link}"
        assert not parts.fragment or parts.fragment in known[target], f"{shown.name} links to {link}"


@each(PAGES)
def test_no_page_names_a_place_on_somebodys_machine(shown: Page) -> None:
    assert not re.findall(r"(?:/home/|/Users/|/root/|/work/)\w+", shown.text)


REFERENCE = Page(ROOT / "command.md", expand(page("docs/reference/command.md").text))
"""The reference of the command as the site has it."""


@pytest.mark.parametrize("command", [*every_command()])
def test_every_command_is_documented(command: str) -> None:
    assert f"## `{command}`" in REFERENCE.prose.splitlines()


@pytest.mark.parametrize("command", [*every_command()])
def test_every_option_is_documented_at_its_command(command: str) -> None:
    [shown] = re.findall(rf"^## `{command}`\n(.*?)(?=^## |\Z)", REFERENCE.prose, re.MULTILINE | re.DOTALL)
    for option in options_of(command):
        assert re.search(rf"^\| `[^`]*{option}\b[^`]*` \| \S", shown, re.MULTILINE), option
