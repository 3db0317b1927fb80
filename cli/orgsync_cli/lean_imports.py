"""Libraries without what they look for and orgsync has no use for: a sixth of the modules that a run loads."""

import sys
from importlib import import_module
from typing import cast

__all__ = ["import_without_extras"]


def import_without_extras() -> None:
    """Import structlog without rich's tracebacks, and keep httpx from importing its own command, with rich and click.

    Either does without where it finds none. What is imported already stays as it is.
    """
    modules = cast("dict[str, object]", sys.modules)  # to import what is None there fails as what is not installed does
    if "httpx" not in modules:
        modules["httpx._main"] = None
    if not {"structlog", "rich"} & modules.keys():
        modules["rich"] = None
        try:
            import_module("structlog")
        finally:
            del modules["rich"]
