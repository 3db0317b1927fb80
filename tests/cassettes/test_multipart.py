"""Requests of several parts, as files are uploaded: what gets into a cassette of them, and that they are replayed."""

import hashlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from orgsync import Batch, Context, sync
from orgsync.cassettes.interaction import Cassette, Interaction, RecordedRequest, RecordedResponse
from orgsync.cassettes.matching import RequestKey
from orgsync.cassettes.scrubbing import leaks, scrubbed
from orgsync.demo_org import DemoOrg
from tests.cassettes.recorded import NOTHING, recorded, replayed
from tests.cassettes.test_file_contents import ROOT, WHEN
from tests.cassettes.test_recording import Case

LETTER = b"Dear Ada,\nyours, Grace"
PICTURE = bytes(range(256)) * 3
FILE = "Ada Lovelace.pdf"


def sent(path: str, *parts: tuple[str, tuple[Any, ...]], files: str = "form-data") -> Interaction:
    """Return a request as httpx composes it, with a boundary of its own."""
    made = httpx.Request("POST", f"http://it{path}", files=list(parts))
    kind = str(made.headers["content-type"]).replace("form-data", files)
    request = RecordedRequest("POST", "", path, (), {"content-type": kind}, made.read().decode("utf-8", "replace"))
    return Interaction(request, RecordedResponse(201, {"content-type": "application/json"}, "{}"), WHEN, 0)


def record(content: bytes = LETTER, name: str = FILE, **fields: str) -> Interaction:
    described = json.dumps({"PathOnClient": name, "Title": "Letter", "FirstName": "Grace", **fields})
    return sent(
        f"{ROOT}/sobjects/ContentVersion",
        ("entity_content", (None, described, "application/json")),
        ("VersionData", (name, content, "application/pdf")),
    )


@pytest.mark.parametrize("content", [LETTER, PICTURE, b"/services/data/v62.0/secret of Ada", b"{}"])
def test_an_upload_in_parts_keeps_neither_content_nor_name_nor_person(content: bytes) -> None:
    step = record(content)
    assert {(each.what, each.where) for each in leaks([step])} == {
        ("the content of a file", "request: body"),
        ("a personal text", "request: filename"),
        ("a personal text", "request: ContentVersion.FirstName"),
    }
    [clean] = scrubbed([step])
    body = clean.request.body
    assert content.decode("utf-8", "replace") not in body
    assert not any(name in body for name in ("Ada", "Lovelace", "Grace"))
    assert 'filename="Xxx Xxxxxxxx.xx1"' in body
    assert '"PathOnClient": "Xxx Xxxxxxxx.xx1", "Title": "Letter"' in body
    assert "content 1 "[: len(content)] in body
    assert scrubbed([clean]) == [clean]
    assert leaks([clean]) == []


def test_an_uploaded_content_has_the_checksum_and_the_stand_in_that_its_download_has() -> None:
    query = json.dumps({"records": [{"Checksum": hashlib.md5(LETTER, usedforsecurity=False).hexdigest()}]})
    found = Interaction(RecordedRequest("GET", "", f"{ROOT}/query"), RecordedResponse(200, {}, query), WHEN, 0)
    path = f"{ROOT}/sobjects/ContentVersion/068000000000001AAA/VersionData"
    download = Interaction(RecordedRequest("GET", "", path), RecordedResponse(200, {}, LETTER), WHEN, 0)
    upload, found, download = scrubbed([record(), found, download])
    content = str(download.response.body)
    assert f"\r\n\r\n{content}\r\n--" in upload.request.body
    checksum = json.loads(str(found.response.body))["records"][0]["Checksum"]
    assert checksum == hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    "headers",
    [
        'Content-Disposition: form-data; name="VersionData"',
        "content-disposition: form-data; filename=Ada; name=VersionData\r\nContent-Type: text/plain",
        "Content-Disposition: form-data; name=\"VersionData\"; filename*=UTF-8''Ada%20L%C3%B6velace.json\r\n"
        "Content-Type: application/json",
        "Content-Type: text/plain",
        "",
    ],
)
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", 'multipart/form-data; boundary="b"'])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_part_is_a_file_however_it_is_written(headers: str, kind: str, end: str) -> None:
    headers = headers.replace("\r\n", end)
    text = f'{headers}{end}{end}["the letter of Ada"]' if headers else f'{end}["the letter of Ada"]'
    body = f"--b{end}{text}{end}--b--{end}"
    path = f"{ROOT}/sobjects/ContentVersion"
    request = RecordedRequest("POST", "", path, (), {"content-type": kind}, body)
    [clean] = scrubbed([Interaction(request, RecordedResponse(201), WHEN, 0)])
    assert "letter" not in clean.request.body
    assert "Ada" not in clean.request.body
    assert "velace" not in clean.request.body
    assert clean.request.body.startswith(f"--b{end}{headers[:10]}")
    assert clean.request.body.endswith(f"{end}--b--{end}")
    assert leaks([clean]) == []


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=other"])
def test_a_form_without_the_boundary_that_it_names_is_one_content(kind: str) -> None:
    body = "--b\r\n\r\nthe letter of Ada\r\n--b--"
    request = RecordedRequest("POST", "", f"{ROOT}/sobjects/Attachment", (), {"content-type": kind}, body)
    [clean] = scrubbed([Interaction(request, RecordedResponse(400), WHEN, 0)])
    assert clean.request.body == ("content 1 " * 9)[: len(body)]


def test_the_rows_of_a_job_that_is_made_in_parts_are_rows() -> None:
    step = sent(
        f"{ROOT}/jobs/ingest",
        ("job", (None, '{"object":"Contact","operation":"insert"}', "application/json")),
        ("content", ("content.csv", "FirstName,Level__c\nGrace,High\n", "text/csv")),
    )
    [clean] = scrubbed([step])
    assert "\r\n\r\nFirstName,Level__c\nXxxx1,High\n\r\n" in clean.request.body


def test_other_fields_of_a_form_stay_unless_they_are_known() -> None:
    step = sent(
        f"{ROOT}/connect/files/users/me",
        ("title", (None, "Letter")),
        ("desc", (None, "from ada@example.com")),
        ("fileData", ("a.txt", LETTER, "text/plain")),
    )
    [clean] = scrubbed([step])
    assert 'name="title"\r\n\r\nLetter\r\n' in clean.request.body
    assert "ada@" not in clean.request.body
    assert "content 1 content 1 co\r\n" in clean.request.body


def test_an_upload_is_the_recorded_one_whatever_its_boundary_its_content_and_its_name() -> None:
    [clean] = scrubbed([record()])
    then = RequestKey.of(clean.request)
    assert then.fits(RequestKey.of(record(b"another", "Other name.pdf").request))
    assert then.fits(RequestKey.of(record().request))
    assert not then.fits(RequestKey.of(record(Title="Another").request))
    assert not then.fits(RequestKey.of(record(ReasonForChange="more").request))


async def test_an_upload_is_recorded_without_its_content_and_replayed(org: DemoOrg, tmp_path: Path) -> None:
    token = org.access_token()

    @sync
    async def upload(ctx: Context) -> AsyncGenerator[Batch[Case]]:
        form: Any = {
            "entity_content": (None, json.dumps({"PathOnClient": FILE}), "application/json"),
            "VersionData": (FILE, PICTURE, "application/pdf"),
        }
        url = f"{ctx.connection.instance_url}{ROOT}/sobjects/ContentVersion"
        async with httpx.AsyncClient(trust_env=False) as client:
            made = await client.post(url, files=form, headers={"Authorization": f"Bearer {token}"})
        assert made.json()["success"] is True
        await ctx.get("limits")
        yield Batch(Case, [])

    cassette: Cassette = await recorded(upload, org, tmp_path, NOTHING)
    [step] = [each for each in cassette.interactions if each.request.path.endswith("/ContentVersion")]
    assert "Lovelace" not in step.request.body
    assert "\ufffd" not in step.request.body
    assert leaks(cassette.interactions) == []
    await replayed(cassette, upload, tmp_path / "again")
