"""Views that are kept open between calls: reused one at a time, and never over a database that is gone."""

from pathlib import Path
from threading import get_ident

import anyio
import pytest

from orgsync.demo_org import DemoOrg
from orgsync.errors import NameUnknown
from orgsync.project import View
from orgsync.server.views import Views
from tests.projects import project_at

from .serving import contacts


def itself(view: View) -> View:
    return view


async def test_a_view_is_kept_for_the_next_call_and_two_at_once_have_their_own(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        views = Views(project.opened.settings)
        first = await views.read(itself)
        assert await views.read(itself) is first
        meet = anyio.from_thread.run
        both, arrived = anyio.Event(), list[View]()

        async def wait(view: View) -> None:
            arrived.append(view)
            if len(arrived) == 2:
                both.set()
            await both.wait()

        def read(view: View) -> None:
            meet(wait, view)

        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(views.read, read)
        assert arrived[0] is not arrived[1]
        views.close()


async def test_a_view_in_which_something_failed_is_not_used_again(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        views = Views(project.opened.settings)
        first = await views.read(itself)
        with pytest.raises(NameUnknown):
            await views.read(lambda view: view.connection("nowhere"))
        assert await views.read(itself) is not first
        views.close()


@pytest.mark.sqlite_alone(reason="a server's database is no file")
async def test_a_database_that_was_replaced_is_opened_anew(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path / "one", org) as project, project_at(tmp_path / "two", org) as other:
        await other.run(contacts)
        own, theirs = (each.opened.settings.project / ".orgsync" for each in (project, other))
    views = Views(project.opened.settings)
    assert await views.read(lambda view: view.tables()) == []
    own.rename(tmp_path / "gone")
    theirs.rename(own)
    assert await views.read(lambda view: view.tables()) == ["contact"]
    views.close()


@pytest.mark.sqlite_alone(reason="a server is asked in a thread always")
async def test_what_is_short_is_read_at_once_by_a_view_that_is_kept(tmp_path: Path, org: DemoOrg) -> None:
    def thread(_: View) -> int:
        return get_ident()

    async with project_at(tmp_path, org) as project:
        views = Views(project.opened.settings)
        assert await views.read(thread, is_short=True) != get_ident()  # where it has to be opened first
        assert await views.read(thread, is_short=True) == get_ident()
        assert await views.read(thread) != get_ident()
        (project.opened.settings.project / ".orgsync").rename(tmp_path / "gone")
        assert await views.read(thread, is_short=True) != get_ident()
        views.close()
