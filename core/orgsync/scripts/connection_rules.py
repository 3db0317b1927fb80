"""What a project's scripts require of its connections: hooks when one is made or removed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orgsync.errors import ScriptNotLoaded

from .hooks import Hook, Moment
from .loading import Script, load_scripts
from .outline import outlines_of, script_paths

__all__ = ["ConnectionRules", "rules_of"]


@dataclass(frozen=True, slots=True)
class ConnectionRules:
    """The hooks of a project, in the order in which they are called."""

    on_connect: tuple[Hook, ...] = ()
    on_disconnect: tuple[Hook, ...] = ()


def rules_of(folder: Path) -> ConnectionRules:
    """Return what the scripts of a folder require of connections; scripts in the usual form are not imported for it.

    Raises ScriptNotLoaded for a script that does not load, since it may hold a hook.
    """
    if all(outlines_of(path) is not None for path in script_paths(folder)):
        return ConnectionRules()  # a hook is nothing that an outline holds
    scripts = load_scripts(folder)
    problem = next((script.problem for script in scripts if script.problem), None)
    if problem is not None:
        unchecked = "Until it loads, no connection is made, changed or removed: it may hold a hook."
        raise ScriptNotLoaded(problem.cause, f"{problem.remedy} {unchecked}") from problem
    return ConnectionRules(tuple(_hooks(scripts, "connect")), tuple(_hooks(scripts, "disconnect")))


def _hooks(scripts: list[Script], moment: Moment) -> Iterator[Hook]:
    """Yield hooks in the order of their files and names, each once, also where another script imports it."""
    seen = set[int]()
    for script in scripts:
        named = {} if script.module is None else vars(script.module)
        for hook in sorted((each for each in named.values() if isinstance(each, Hook)), key=lambda each: each.name):
            if hook.moment == moment and id(hook) not in seen:
                seen.add(id(hook))
                yield hook
