"""What the site adds to the Markdown of docs/: reference pages from the code, and pages of the repository's root."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.main import get_command

from orgsync.scripts.action_function import Parameter
from orgsync.scripts.action_survey import survey_actions
from orgsync.settings import Settings
from orgsync_cli.main import app

__all__ = ["command_reference", "expand", "on_files", "on_page_markdown", "settings_table", "shipped_actions"]

ROOT = Path(__file__).parents[1]
OF_THE_ROOT = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "README.md": "index.md",
}
"""Pages that stand outside docs/, and where the site has them (the README's place is taken by its own first page)."""

_MARK = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the repository's root, their links turned to the site's pages."""
    for source, target in OF_THE_ROOT.items():
        if files.get_file_from_path(target) is None:
            text = (ROOT / source).read_text(encoding="utf-8")
            files.append(File.generated(config, target, content=relinked(text, source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in what is generated, and turn links that leave docs/ to the site's own pages."""
    text = expand(markdown)
    path = page.file.src_uri
    return text if path in OF_THE_ROOT.values() and path != "index.md" else relinked(text, f"docs/{path}")


def expand(markdown: str) -> str:
    """Replace each `<!-- generated: NAME -->` with what NAME stands for."""
    return _MARK.sub(lambda found: _GENERATED[found[1]](), markdown)


def relinked(text: str, source: str) -> str:
    """Rewrite the links of a page, given by its path in the repository, for the place that it has on the site."""
    here = (ROOT / source).parent
    at = OF_THE_ROOT.get(source)
    depth = 0 if at else source.count("/") - 1

    def turn(link: re.Match[str]) -> str:
        target = (here / link[1]).resolve().relative_to(ROOT).as_posix()
        if target in OF_THE_ROOT:
            return "../" * depth + OF_THE_ROOT[target] + (link[2] or "")
        return target.removeprefix("docs/") + (link[2] or "") if at else link[0]

    return _LINK.sub(turn, text)


# The command


def command_reference() -> str:
    """Describe every command by its own help: usage, text, arguments, options and examples."""
    return "\n\n".join(_command("orgsync", get_command(app)))


def _command(name: str, command: Any) -> Iterator[str]:
    context = command.context_class(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"{'##' if ' ' in name or name == 'orgsync' else '#'} `{name}`"
    yield f"```text\n{name} {usage}\n```"
    yield (command.help or "").strip()
    rows = [record for each in command.params if (record := each.get_help_record(context)) is not None]
    yield _table(("argument or option", ""), [_parameter(what, text) for what, text in rows])
    if command.epilog:
        yield f"```text\n{_examples(command.epilog)}\n```"
    for each, inside in getattr(command, "commands", {}).items():
        yield from _command(f"{name} {each}", inside)


def _parameter(what: str, text: str) -> tuple[str, str]:
    """Return a row for an argument or option; the values that it takes are added to its text if they are not in it."""
    name, _, kind = what.partition(" <")
    values = kind.rstrip(">").split("|")
    missing = len(values) > 1 and not all(each in text.lower() for each in values)
    return f"`{name}`", _cell(f"{text} One of: {', '.join(values)}." if missing else text)


def _examples(epilog: str) -> str:
    lines = [line.removeprefix("  ") for line in epilog.replace("\b", "").strip("\n").splitlines()]
    return "\n".join(line for line in lines if line.strip() != "EXAMPLES")


# The settings


def settings_table() -> str:
    """List every setting of the model: its variable, its default, what it does."""
    rows = [
        (f"`{name}`", f"`ORGSYNC_{name.upper()}`", _default(name, field.default), _cell(field.description or ""))
        for name, field in Settings.model_fields.items()
    ]
    return _table(("key", "variable", "default", ""), rows)


def _default(name: str, value: object) -> str:
    shown = {"project": "the nearest `orgsync.toml`'s", "database_url": "`sqlite:///.orgsync/orgsync.db`"}
    return shown.get(name) or ("none" if value in (None, ()) else f"`{value}`")


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    first, *lines = (f"| {' | '.join(cells)} |" for cells in (headings, *rows))
    return "\n".join((first, "|---" * len(headings) + "|", *lines))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# The actions


def shipped_actions() -> str:
    """List the actions that come with orgsync: what each takes, and what it does."""
    shipped = [each for each in survey_actions(ROOT / "docs") if each.where.startswith("orgsync_syncs.")]
    rows = [(f"`{each.name}`", _takes(each.parameters), _cell(each.summary)) for each in shipped]
    return _table(("action", "takes", ""), rows)


def _takes(parameters: Sequence[Parameter]) -> str:
    return ", ".join(f"`{each.name}`" if each.required else f"[`{each.name}`]" for each in parameters)


# Files to be copied


def _shown(name: str, language: str) -> str:
    """Show a file of docs/how-to/deployment, which the page links to."""
    text = (ROOT / "docs/how-to/deployment" / name).read_text(encoding="utf-8")
    return f'```{language} title="{name}"\n{text}```'


_GENERATED: dict[str, Callable[[], str]] = {
    "commands": command_reference,
    "settings": settings_table,
    "shipped_actions": shipped_actions,
    "unit": partial(_shown, "orgsync.service", "ini"),
    "dockerfile": partial(_shown, "Dockerfile", "dockerfile"),
    "compose": partial(_shown, "compose.yaml", "yaml"),
}
