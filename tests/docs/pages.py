"""The documentation as tests read it: pages, their fenced blocks, inline code, links, headings and tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Block", "Page", "page", "pages"]

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>```+|~~~+)(?P<info>.*)$")
_INFO = re.compile(r"(?P<language>[a-z]*)(?: title=\"(?P<title>[^\"]+)\")?")
_NOT_RUN = re.compile(r" *<!-- (not run: \S.*) -->")
_NEEDS = re.compile(r"^<!-- needs: ([\w, ]+) -->$", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its remark, its text, and the line it begins in.

    The remark says how tests treat the block. It is the block's title (```` ```bash title="terminal 1" ````), which the
    site shows above it and GitHub ignores, or a comment on the line before: `<!-- not run: the reason -->`.
    """

    language: str
    remark: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """The path from the repository's root."""
        return self.path.relative_to(ROOT).as_posix()

    def blocks(self, *languages: str) -> list[Block]:
        """List the fenced blocks, all or those of these languages."""
        found = [part for part in _parts(self.text) if isinstance(part, Block)]
        return [block for block in found if not languages or block.language in languages]

    @property
    def prose(self) -> str:
        """The text without fenced blocks, its lines where they were."""
        return "\n".join(
            "\n" * part.text.count("\n") if isinstance(part, Block) else part for part in _parts(self.text)
        )

    def needs(self, line: int) -> list[str]:
        """List the packages that blocks up to a line need beyond those of the tests: `<!-- needs: pandas -->`."""
        before = "\n".join(self.text.splitlines()[:line])
        return [name.strip() for names in _NEEDS.findall(before) for name in names.split(",")]

    def inline(self) -> list[str]:
        """List the inline code."""
        return _INLINE.findall(self.prose)

    def links(self) -> list[str]:
        """List the targets of links."""
        return _LINK.findall(_INLINE.sub("", self.prose))

    def anchors(self) -> set[str]:
        """Name what a link may point to, as GitHub makes it of headings."""
        return {_slug(heading) for heading in _HEADING.findall(self.prose)}

    def table(self, first_heading: str) -> list[list[str]]:
        """Read the rows of every table whose first heading is this one."""
        rows: list[list[str]] = []
        inside = False
        for line in self.prose.splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")] if line.startswith("|") else []
            if cells[:1] == [first_heading]:
                inside = True
            elif not cells:
                inside = False
            elif inside and not line.startswith("|---"):
                rows.append(cells)
        return rows


def pages() -> list[Page]:
    """Read every page of documentation that is here; an installed copy's tests may have fewer than a checkout."""
    paths = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("cassettes/*.md"),
        *ROOT.glob("benchmarks/*.md"),
    ]
    return [Page(path, path.read_text(encoding="utf-8")) for path in sorted(paths)]


def page(name: str) -> Page:
    """Read one page."""
    return Page(ROOT / name, (ROOT / name).read_text(encoding="utf-8"))


def _parts(text: str) -> Iterator[Block | str]:
    """Split a page into lines of prose and fenced blocks.

    Raises ValueError for a fence that is never closed, and for one that the site would not take for a fence.
    """
    lines = enumerate(text.splitlines(), start=1)
    before = ""
    for number, line in lines:
        opening = _FENCE.match(line)
        if opening is None:
            before = line
            yield line
            continue
        info = _INFO.fullmatch(opening["info"])
        if info is None:
            raise ValueError(f'line {number}: behind a language, a block may have nothing but title="..."')
        inside: list[str] = []
        for _, each in lines:
            if each.strip().startswith(opening["ticks"]) and not each.strip().strip("`~"):
                break
            inside.append(each.removeprefix(opening["indent"]))
        else:
            raise ValueError(f"the block of line {number} is never closed")
        not_run = _NOT_RUN.fullmatch(before)
        yield Block(info["language"], info["title"] or (not_run[1] if not_run else ""), "\n".join(inside), number)
        before = ""


def _slug(heading: str) -> str:
    plain = re.sub(r"[*`]", "", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
