"""Whether the server lives, and whether it can work: for load balancers and containers, without a token."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from .served import served_by

__all__ = ["router"]

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """That the server answers."""

    status: str


@router.get("/health")
async def health() -> Health:
    """Say that the process lives; nothing is looked at."""
    return Health(status="alive")


@router.get("/ready")
async def ready(request: Request) -> Health:
    """Say that the database can be read; 503, with the cause, where it cannot."""
    await served_by(request).view(lambda view: view.last_change())
    return Health(status="ready")
