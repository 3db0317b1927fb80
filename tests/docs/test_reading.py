"""Reading the documentation: these tests see to it that the others can fail."""

from pathlib import Path

import pytest

from .commands import commands_in, used
from .pages import ROOT, Block, Page
from .terminals import Terminals, require_shown

WRITTEN = """\
# A `b` *c*, d!

1. x
   ```sql title="SOQL"
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
        ("orgsync runs acme > runs.txt", "not the number of a run"),
    ],
)
def test_a_command_that_would_be_refused_is_noticed(text: str, noticed: str) -> None:
    [words] = commands_in(text)
    with pytest.raises(Exception, match=noticed) as refused:
        used(words)
    assert refused.type.__name__ in (
        "LookupError",
        "NoSuchOption",
        "BadParameter",
        "MissingParameter",
        "UsageError",
        "ArgumentInvalid",
    )


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
    assert shown.blocks() == [Block("sql", "SOQL", "SELECT\n  Id", 4)]
    assert (shown.links(), shown.anchors(), shown.inline()) == (["f.md#g"], {"a-b-c-d"}, ["b", "h [i](j)"])
    assert shown.table("k") == [["1", "2"]]
    with pytest.raises(ValueError, match="never closed"):
        Page(ROOT / "a.md", "```bash\n").blocks()


TYPED = """\
```bash title="terminal 1"
mkdir inside && cd inside
export ORGSYNC_A=1
printf 'a\\nb\\n' > x.txt
```
```bash title="terminal 2"
echo "$ORGSYNC_A|"
```
```text title="terminal 2"
|
```
```bash title="terminal 1, fails"
echo "$ORGSYNC_A took 7 s"
cat nothing
```
```text title="terminal 1"
1 took 8 s
...
```
```diff title="x.txt"
 a
-b
+c
```
```bash title="terminal 1"
cat x.txt
```
```text title="terminal 1"
a
c
```
```yaml title="x.txt"
...
c
```
"""


def typed(text: str, folder: Path) -> None:
    shown = Page(ROOT / "a.md", text)
    with Terminals(shown, folder) as terminals:
        terminals.run(shown.blocks())


def test_terminals_keep_their_folders_and_variables_and_files_are_changed_as_shown(tmp_path: Path) -> None:
    typed(TYPED, tmp_path)
    assert (tmp_path / "inside" / "x.txt").read_text(encoding="utf-8") == "a\nc\n"


@pytest.mark.parametrize(
    ("true", "false", "noticed"),
    [
        ("took 8 s", "takes 8 s", "line 16 shows what did not come"),
        ("1, fails", "1", "line 12: exit code 1"),
        ('1"\ncat x.txt', '1, fails"\ncat x.txt', "line 25: exit code 0"),
        ("-b", "-d", "line 20: x.txt does not have the lines"),
        ("...\nc", "...\nb", "line 32 shows what did not come"),
    ],
)
def test_a_page_whose_terminals_show_something_else_is_noticed(
    tmp_path: Path, true: str, false: str, noticed: str
) -> None:
    assert TYPED.count(true) == 1
    with pytest.raises(AssertionError, match=noticed):
        typed(TYPED.replace(true, false), tmp_path)


def test_what_is_shown_is_compared_but_for_times_and_padding() -> None:
    require_shown("a\n...\nc  took 2 s\n== 1 in 0.5s ==", "a\nb\nc took 33 ms\n==== 1 in 12.1s ==\nd")
    for shown in ("b\na", "a\nc", "...\nx", "c took 2 m"):
        with pytest.raises(AssertionError, match="shows what did not come"):
            require_shown(shown, "a\nb\nc took 33 ms")
