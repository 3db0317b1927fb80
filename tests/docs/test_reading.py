"""Reading the documentation: these tests see to it that the others can fail."""

import pytest

from .commands import commands_in, used
from .pages import ROOT, Block, Page

WRITTEN = """\
# A `b` *c*, d!

1. x
   ```sql soql
   SELECT
     Id
   ```

[e
f](f.md#g) `h [i](j)`

| k | l |
|---|---|
| 1 | 2 |

| m |
|---|
| 3 |
"""


@pytest.mark.parametrize(
    ("text", "noticed"),
    [
        ("orgsync rnu contacts", "no command"),
        ("cd x && .venv/bin/orgsync connections shwo acme", "no command"),
        ("orgsync run contacts --fulll", "--fulll"),
        ("ORGSYNC_KEY=x orgsync connect acme --flow browsr", "browsr"),
        ("orgsync connect", "name"),
        ("orgsync runs acme > runs.txt", "valid integer"),
    ],
)
def test_a_command_that_would_be_refused_is_noticed(text: str, noticed: str) -> None:
    [words] = commands_in(text)
    with pytest.raises(Exception, match=noticed) as refused:
        used(words)
    assert refused.type.__name__ in ("LookupError", "NoSuchOption", "BadParameter", "MissingParameter", "UsageError")


def test_commands_are_found_wherever_they_stand() -> None:
    text = """
$ orgsync run \\
    contacts | head
export A=1; B=2 ./orgsync api GET 'a b' > x # orgsync nothing
echo orgsync
"""
    assert commands_in(text) == [["run", "contacts"], ["api", "GET", "a b"]]


def test_a_page_is_read_as_it_is_written() -> None:
    shown = Page(ROOT / "a.md", WRITTEN)
    assert shown.blocks() == [Block("sql", "soql", "SELECT\n  Id", 4)]
    assert (shown.links(), shown.anchors(), shown.inline()) == (["f.md#g"], {"a-b-c-d"}, ["b", "h [i](j)"])
    assert shown.table("k") == [["1", "2"]]
    with pytest.raises(ValueError, match="never closed"):
        Page(ROOT / "a.md", "```bash\n").blocks()
