"""What lies on disk is for its owner alone, and is where it seems to be."""

import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from structlog.testing import capture_logs

from orgsync.errors import StoreUnavailable
from orgsync.logs import CLOSED_TO_OTHERS
from orgsync.store import Connection, Store, open_view

SECRETS = {"refresh_token": "t0ken"}


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


async def kept(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as store:
        await store.connections.save(Connection(name="acme"), SECRETS)


@pytest.mark.parametrize("place", ["folder", "database", "key"])
async def test_a_symbolic_link_is_refused_and_what_it_leads_to_left_alone(
    place: str, url: str, folder: Path, tmp_path: Path
) -> None:
    await kept(url, folder)
    path = {"folder": folder, "database": tmp_path / "orgsync.db", "key": folder / "key"}[place]
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    before = elsewhere.stat().st_mtime_ns
    with pytest.raises(StoreUnavailable, match="is a symbolic link") as caught:
        async with Store.open(url, folder=folder) as store:
            await store.connections.secrets("acme")
    assert caught.value.remedy
    assert (path.is_symlink(), elsewhere.stat().st_mtime_ns) == (True, before)


def test_a_database_that_is_a_link_is_not_looked_at_either(url: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "orgsync.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable, match="is a symbolic link"), open_view(url, folder=folder):
        pass


async def test_what_is_open_to_others_is_closed_with_a_word(url: str, folder: Path, tmp_path: Path) -> None:
    await kept(url, folder)
    places = [folder, tmp_path / "orgsync.db", folder / "key"]
    for path, open_mode in zip(places, (0o755, 0o666, 0o644), strict=True):
        path.chmod(open_mode)
    with capture_logs() as said:
        async with Store.open(url, folder=folder) as store:
            assert await store.connections.secrets("acme") == SECRETS
    assert [mode(path) for path in places] == ["0o750", "0o660", "0o600"]
    assert {each["file"] for each in said if each["event"] == CLOSED_TO_OTHERS} == {str(path) for path in places}
    with capture_logs() as said:
        await kept(url, folder)
    assert said == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of another user's")
async def test_what_another_user_holds_open_is_refused() -> None:
    with TemporaryDirectory() as name:
        home = Path(name)
        url = f"sqlite:///{home}/orgsync.db"
        await kept(url, home / ".orgsync")
        (home / "orgsync.db").chmod(0o666)
        home.chmod(0o777)
        os.seteuid(65534)
        try:
            with pytest.raises(StoreUnavailable, match=r"open to others.*chmod 660"), open_view(url, folder=home):
                pass
        finally:
            os.seteuid(0)
