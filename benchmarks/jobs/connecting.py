"""A project in a folder, connected to the benchmark's server."""

from pathlib import Path

from orgsync import Credentials
from orgsync.project import Project
from orgsync.settings import Settings

__all__ = ["connect_to", "settings_in"]


def settings_in(folder: Path, **settings: object) -> Settings:
    """Give a project's settings, the defaults but for those that are named."""
    return Settings.model_validate({"project": folder, **settings})


async def connect_to(url: str, project: Project, *, number: int = 0) -> str:
    """Connect an org of its own and answer with the connection's name."""
    credentials = Credentials(
        grant="refresh-token", login_url=url, client_id="benchmark", client_secret="-", refresh_token=f"org-{number}"
    )
    return (await project.connections.connect(f"org-{number}", credentials)).connection.name
