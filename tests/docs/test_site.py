"""The documentation as a site: it builds without a warning, and every page shows what its Markdown says."""

import pkgutil
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

import orgsync
import orgsync.demo_org
import orgsync.testing
from docs.hooks import OF_THE_ROOT, expand

from .pages import ROOT, Page, page, pages

pytestmark = pytest.mark.skipif(not (ROOT / "mkdocs.yml").is_file(), reason="only a checkout has the site's settings")


class Rendered(HTMLParser):
    """What a built page shows: its blocks of code, its tables, its items of lists, and its text outside of code."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self.tables = 0
        self.items = 0
        self.text = ""
        self._inside: list[str] = []
        article = path.read_text(encoding="utf-8").partition("<article")[2].partition("</article>")[0]
        self.feed("<article" + article)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("pre", "code"):
            self._inside.append(tag)
        if tag == "pre":
            self.blocks.append("")
        self.tables += tag == "table"
        self.items += tag == "li"

    def handle_endtag(self, tag: str) -> None:
        if tag in ("pre", "code"):
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if "pre" in self._inside:
            self.blocks[-1] += data
        elif not self._inside:
            self.text += data


def test_the_site_builds_strictly_and_shows_every_block_table_and_list(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert built.returncode == 0, built.stdout + built.stderr
    for source, path in shown_pages():
        shown = Rendered(tmp_path / path)
        assert "doc-object doc-module" not in (tmp_path / path).read_text(encoding="utf-8"), path
        whole = Page(source.path, expand(source.text))
        if "::: " in source.text:  # the rest of it is made of docstrings
            continue
        # A <pre> is a block of the page; the text must be the block's, whole and in order.
        assert [each.strip() for each in shown.blocks] == [each.text.strip() for each in whole.blocks()], path
        assert shown.tables == len(re.findall(r"^\s*\|---", whole.prose, re.MULTILINE)), path
        assert shown.items == len(re.findall(r"^\s*(?:[-*]|\d+\.) ", whole.prose, re.MULTILINE)), path
        assert not re.search(r"`|\*\*|\]\(|^\s*\|", shown.text, re.MULTILINE), path
    python = (tmp_path / "reference" / "python.html").read_text(encoding="utf-8")
    assert [f"{each}.{field}" for each in VALUES for field in fields_of(each) if not shows(python, each, field)] == []
    testing = (tmp_path / "reference" / "testing.html").read_text(encoding="utf-8")
    calls = [
        each
        for each in dir(orgsync.demo_org.DemoOrg)
        if each[0] != "_" and callable(getattr(orgsync.demo_org.DemoOrg, each))
    ]
    assert [each for each in calls if f'id="orgsync.demo_org.DemoOrg.{each}"' not in testing] == []


VALUES = (
    *("orgsync.Change", "orgsync.Run", "orgsync.DryRun", "orgsync.DryRunChange", "orgsync.store.ConnectionRow"),
    *("orgsync.project.connections.SignIn", "orgsync.project.connections.BrowserSignIn", "orgsync.ConnectionInfo"),
    *("orgsync.Started", "orgsync.Planned", "orgsync.Committed", "orgsync.Warned", "orgsync.Ended"),
    *("orgsync.RowResult", "orgsync.WriteCounts", "orgsync.WriteProgress"),
)
"""What an application gets and reads: the reference has to name what is in it."""


def fields_of(name: str) -> list[str]:
    hints = typing.get_type_hints(pkgutil.resolve_name(name))
    return [each for each, hint in hints.items() if each[0] != "_" and typing.get_origin(hint) is not typing.ClassVar]


def shows(html: str, name: str, field: str) -> bool:
    """Tell whether the entry of a class, up to the next one of its level, names a field in code or in a heading."""
    entry = html.partition(f'<h3 id="{name}"')[2].partition("<h3 ")[0]
    return re.search(rf'>{field}<|id="{name}\.{field}"', entry) is not None


def shown_pages() -> Iterator[tuple[Page, str]]:
    """Pair each page's Markdown with the file that the site has of it."""
    for each in pages():
        if each.name.startswith("docs/"):
            yield each, each.name.removeprefix("docs/").replace(".md", ".html")
    for name, target in OF_THE_ROOT.items():
        if target != "index.md":
            yield page(name), target.replace(".md", ".html")


@pytest.mark.parametrize("module", [orgsync, orgsync.testing, orgsync.demo_org], ids=lambda module: module.__name__)
def test_every_public_name_has_its_entry_in_the_reference(module: object) -> None:
    name = str(vars(module)["__name__"])
    text = page("docs/reference/python.md").text + page("docs/reference/testing.md").text
    entries = re.findall(rf"^(?::::| +heading:) {re.escape(name)}\.(\w+)$", text, re.MULTILINE)
    assert sorted(entries) == sorted(vars(module)["__all__"])


def test_a_page_that_the_site_would_show_otherwise_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        "<article><p>Text ```python not-run</p><pre><code>1 &lt; 2</code></pre></article>", encoding="utf-8"
    )
    shown = Rendered(path)
    assert (shown.blocks, shown.tables, shown.items) == (["1 < 2"], 0, 0)
    assert "```" in shown.text
