"""The page of the API's calls, for people; programs read the OpenAPI document."""

from fastapi import APIRouter, FastAPI, Request, Response

from .api_reference import operations
from .page_access import page

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def api_page(request: Request) -> Response:
    """Show every call of the API with what it takes."""
    app: FastAPI = request.app
    return page(request, "api.html", groups=operations(app.openapi()))
