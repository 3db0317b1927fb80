"""Templates made into pages, with headers by which a browser runs nothing of anybody else's in them."""

from pathlib import Path

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from orgsync.printable import counted

__all__ = ["html_page", "static_files"]

_HERE = Path(__file__).parent

_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def static_files() -> StaticFiles:
    """Return the app that sends style sheets and scripts."""
    return StaticFiles(directory=_HERE / "static")


def html_page(
    request: Request, template: str, status: int = 200, /, *, form_targets: str = "'self'", **values: object
) -> HTMLResponse:
    """Return a template as a page; every value is escaped.

    `form_targets` are the sources to which its forms may lead, redirects included (the policy's `form-action`).
    """
    root = request.scope.get("root_path", "")
    text = _templates.get_template(template).render(root=root, counted=counted, **values)
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action {form_targets}; frame-ancestors 'none'; base-uri 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(text, status, headers)
