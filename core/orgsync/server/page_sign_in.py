"""Signing in to the pages with a token, and out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from starlette.responses import RedirectResponse

from orgsync.errors import Forbidden, TooManyAttempts, Unauthorized

from .access import may
from .page_access import (
    PageRoute,
    Visitor,
    address_of,
    begin_session,
    end_session,
    page,
    require_own_form,
    sends,
    session_of,
)

__all__ = ["router"]

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_reader = may("read")


@router.get("/sign-in")
async def ask_for_token(request: Request, next: str = "/") -> Response:
    """Show the form that takes a token."""
    if await session_of(request) is not None:
        return RedirectResponse(address_of(request, _own(next)), 303)
    return page(request, "sign_in.html", next=_own(next), problem="")


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Take a token, and begin a session; as in the API, an address that guesses has to wait."""
    await require_own_form(request)
    form = await request.form()
    token, wanted = str(form.get("token", "")).strip(), _own(str(form.get("next", "/")))
    try:
        caller = await _reader(request, HTTPAuthorizationCredentials(scheme="Bearer", credentials=token))
    except Unauthorized:
        wrong = "This is not a token, or it was revoked or has expired." if token else "Paste a token."
        return page(request, "sign_in.html", 401, next=wanted, problem=wrong)
    except (TooManyAttempts, Forbidden) as problem:
        status, wrong = (429 if isinstance(problem, TooManyAttempts) else 403), f"{problem.cause} {problem.remedy}"
        return page(request, "sign_in.html", status, next=wanted, problem=wrong)
    answer = RedirectResponse(address_of(request, wanted), 303, {"Cache-Control": "no-store"})
    await begin_session(request, answer, caller.token)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, _: Annotated[Visitor, Depends(sends("read"))]) -> Response:
    """End the session."""
    answer = RedirectResponse(address_of(request, "/sign-in"), 303, {"Cache-Control": "no-store"})
    await end_session(request, answer)
    return answer


def _own(path: str) -> str:
    """Return a path of this server, `/` for anything that a browser could take for another's address."""
    is_own = path.startswith("/") and not path.startswith("//") and path.isprintable() and "\\" not in path
    return path if is_own else "/"
