"""The HTTP API of a project: its copy, its connections and its runs, for programs that show a token."""

from .app import create_app
from .options import ServerOptions
from .running import listening, running

__all__ = ["ServerOptions", "create_app", "listening", "running"]
