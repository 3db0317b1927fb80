"""The HTTP API of a project: its copy, its connections and its runs, for programs that show a token."""

from .app import create_app, server_names
from .options import ServerOptions
from .own_proxy import new_secret, proxying
from .running import listening, running, serve_app

__all__ = [
    "ServerOptions",
    "create_app",
    "listening",
    "new_secret",
    "proxying",
    "running",
    "serve_app",
    "server_names",
]
