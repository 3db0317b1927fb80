"""The check, when a function is decorated, that it can be a sync."""

import inspect
from typing import Any

from orgsync.errors import ScriptNotLoaded
from orgsync.records.wording import kind_of

__all__ = ["require_model", "require_sync_function"]


def require_sync_function(function: Any) -> None:
    """Raise ScriptNotLoaded for what is not a function of one context, or returns no batches."""
    if isinstance(function, str):
        raise ScriptNotLoaded(f"@sync({function!r}) does not name its option.", f'Write @sync(every="{function}").')
    if inspect.isclass(function) or not callable(function):
        what = "the class" if inspect.isclass(function) else f"a {type(function).__name__}"
        name = f" {function.__name__}" if inspect.isclass(function) else ""
        raise ScriptNotLoaded(f"@sync stands above {what}{name}, not above a function.", _WRITE)
    name = getattr(function, "__name__", "sync")
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        parameters = ", ".join(inspect.signature(function).parameters)
        raise ScriptNotLoaded(
            f"The sync {name}({parameters}) cannot be called with its context alone.",
            f"Write: def {name}(ctx: Context) -> Batches[RecordClass].",
        ) from None
    except ValueError:  # a callable without a signature
        pass
    if inspect.isgeneratorfunction(function):
        raise ScriptNotLoaded(f"The sync {name} yields from a `def`.", f"Write: async def {name}(ctx: Context).")
    if inspect.iscoroutinefunction(function):
        raise ScriptNotLoaded(
            f"The sync {name} is an `async def` without `yield`, so it returns no batches.",
            "Yield them: `async for batch in ctx.changes(RecordClass): yield batch`; or leave out `async` and return "
            "ctx.changes(RecordClass).",
        )


def require_model(model: Any) -> None:
    """Raise ScriptNotLoaded for what is not a class of pydantic's models."""
    from pydantic import BaseModel

    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        what = model.__name__ if isinstance(model, type) else kind_of(model)
        raise ScriptNotLoaded(
            f"metadata= is {what}, not a model.",
            "Give it a class: class Options(pydantic.BaseModel), and @sync(metadata=Options).",
        )


_WRITE = "Write: @sync above def name(ctx: Context) -> Batches[RecordClass]."
