"""Runs over HTTP: those of a name, and a name that there is not."""

import pytest

from tests.projects import credentials_for

from .serving import Served, contacts


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("sync=contcts", "There is no sync 'contcts'; did you mean 'contacts'?"),
        ("connection=acmee", "There is no connection 'acmee'; did you mean 'acme'?"),
        ("sync=contacts&connection=acmee", "There is no connection 'acmee'; did you mean 'acme'?"),
        ("action=tidy", "There is no action 'tidy'."),
    ],
)
async def test_runs_of_a_name_that_there_is_not_are_answered_with_the_nearest(
    served: Served, query: str, title: str
) -> None:
    async with await served.caller("read") as caller:
        answer = await caller.get(f"/api/v1/runs?{query}")
    assert (answer.status_code, answer.json()["code"], answer.json()["title"]) == (404, "name_unknown", title)
    assert str(served.project.settings.project) not in answer.text


async def test_what_has_not_run_yet_and_what_is_gone_but_for_its_runs_is_known(served: Served) -> None:
    await served.sample.run(contacts)
    await served.project.connections.connect("globex", credentials_for(served.sample.org))
    await served.project.connections.remove("acme", keep_rows=True)
    async with await served.caller("read") as caller:
        for query, number in (("connection=globex", 0), ("connection=acme", 1), ("connection=acme&sync=leads", 0)):
            answer = await caller.get(f"/api/v1/runs?{query}")
            assert (answer.status_code, len(answer.json()["runs"])) == (200, number)


async def test_a_script_that_does_not_load_may_have_the_sync(served: Served) -> None:
    folder = served.project.settings.syncs_folder
    folder.mkdir()
    (folder / "broken.py").write_text("import nothing_of_this_name\n")
    async with await served.caller("read") as caller:
        for query in ("sync=contcts", "action=tidy"):
            assert (await caller.get(f"/api/v1/runs?{query}")).json() == {"runs": []}


async def test_a_limited_token_learns_no_other_connection_from_a_wrong_name(served: Served) -> None:
    await served.project.connections.connect("globex", credentials_for(served.sample.org))
    async with await served.caller("read", connections=["acme"]) as caller:
        answers = [await caller.get(f"/api/v1/runs?connection={name}") for name in ("globex", "globx")]
        assert [each.status_code for each in answers] == [403, 403]
        unknown = await caller.get("/api/v1/runs?connection=acme&sync=contcts")
    assert (unknown.status_code, "globex" in unknown.text) == (404, False)
    assert all("globex" not in each.json()["detail"] for each in answers)
