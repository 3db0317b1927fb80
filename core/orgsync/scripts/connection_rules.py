"""What a project's scripts require of its connections: hooks when one is made or removed, and what metadata is."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orgsync.errors import ScriptNotLoaded

from .hooks import Hook, Moment
from .loading import Script, load_scripts
from .metadata import fitted
from .outline import outlines_of, script_paths

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["ConnectionRules", "rules_of"]


@dataclass(frozen=True, slots=True)
class ConnectionRules:
    """The hooks of a project, in the order in which they are called, and its syncs' models of metadata, by sync."""

    on_connect: tuple[Hook, ...] = ()
    on_disconnect: tuple[Hook, ...] = ()
    metadata: "Mapping[str, type[BaseModel]]" = field(default_factory=dict[str, Any])

    def require_metadata(self, metadata: Mapping[str, Any], *, connection: str, off: Collection[str] = ()) -> None:
        """Raise MetadataInvalid unless metadata fits the model of each sync, but for those that are switched off."""
        for sync, model in self.metadata.items():
            if sync not in off:
                fitted(model, metadata, connection=connection, sync=sync)


def rules_of(folder: Path) -> ConnectionRules:
    """Return what the scripts of a folder require of connections; scripts in the usual form are not imported for it.

    Raises ScriptNotLoaded for a script that does not load, since it may hold a hook.
    """
    if all(outlines_of(path) is not None for path in script_paths(folder)):
        return ConnectionRules()  # an outline holds neither hooks nor models
    scripts = load_scripts(folder)
    problem = next((script.problem for script in scripts if script.problem), None)
    if problem is not None:
        unchecked = "Until it loads, no connection is made, changed or removed: it may hold a hook."
        raise ScriptNotLoaded(problem.cause, f"{problem.remedy} {unchecked}") from problem
    models = {sync.name: sync.metadata for script in scripts for sync in script.syncs if sync.metadata is not None}
    return ConnectionRules(tuple(_hooks(scripts, "connect")), tuple(_hooks(scripts, "disconnect")), models)


def _hooks(scripts: list[Script], moment: Moment) -> Iterator[Hook]:
    """Yield hooks in the order of their files and names, each once, also where another script imports it."""
    seen = set[int]()
    for script in scripts:
        named = {} if script.module is None else vars(script.module)
        for hook in sorted((each for each in named.values() if isinstance(each, Hook)), key=lambda each: each.name):
            if hook.moment == moment and id(hook) not in seen:
                seen.add(id(hook))
                yield hook
