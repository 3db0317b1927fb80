"""Proxies and certificates of the environment: the variable that is wrong is the one that is named."""

import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from orgsync.errors import ConfigurationProblem, NetworkProblem
from orgsync.salesforce.http.environment import trusted
from orgsync.salesforce.http.http import Http

from .proxies import SocksProxy
from .raw_server import RawServer, reply

HOST = "acme.my.salesforce.example"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine itself has."""
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


async def refused(url: str = f"https://{HOST}/services/data?q=Smith") -> ConfigurationProblem:
    async with Http(timeout=5) as http:
        with pytest.raises(ConfigurationProblem) as caught:
            await http.send("GET", url)
    assert "Smith" not in str(caught.value)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "address", ["socks://127.0.0.1:9", "ftp://127.0.0.1:9", "http://", "host:port", "http://[::1", "http://a b:1"]
)
async def test_an_address_that_is_no_proxys_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, address: str
) -> None:
    monkeypatch.setenv(variable, address)
    assert (await refused()).cause.startswith(f"{variable} ")


@pytest.mark.parametrize("address", ["us\ner:hush@127.0.0.1:9", "user:hu\tsh@127.0.0.1:9", "user:hush\x7f@127.0.0.1:9"])
@pytest.mark.parametrize("scheme", ["", "http://", "socks5h://"])
async def test_a_control_character_in_a_proxys_address_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, scheme: str, address: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}{address}")
    found = await refused()
    assert found.cause == "HTTPS_PROXY holds a line end, a tab or another control character."
    assert "sh@" not in str(found)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_a_socks_proxy_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "socksio", None)
    found = await refused()
    assert found.cause.startswith("ALL_PROXY names a SOCKS proxy")
    assert "pip install 'orgsync[socks]'" in found.remedy


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_a_socks_proxy_leads_to_the_host_by_its_name(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    async with RawServer(reply(200, 1)) as server, SocksProxy(urlsplit(server.url).port or 0) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{proxy.address}")
        async with Http() as http:
            assert (await http.send("GET", f"http://{HOST}/x")).json() == 1
    assert proxy.hosts == [HOST]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (407, "requires a user name and a password"),
        (401, "requires a user name and a password"),
        (403, f"does not allow connections to {HOST}"),
    ],
)
async def test_a_proxy_that_refuses_is_reported_as_the_proxy(
    monkeypatch: pytest.MonkeyPatch, status: int, said: str
) -> None:
    async with RawServer(reply(status, b"<html>no</html>", Connection="close")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//ada:hush@"))
        found = await refused()
    assert said in found.cause
    assert "(HTTPS_PROXY)" in found.cause
    assert f"(status {status})" in found.cause
    assert "hush" not in str(found)


async def test_a_proxy_in_trouble_was_not_sent_through(monkeypatch: pytest.MonkeyPatch) -> None:
    async with RawServer(reply(502, b"", Connection="close")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with Http(timeout=5) as http:
            with pytest.raises(NetworkProblem, match=r"The proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) could not") as caught:
                await http.send("GET", f"https://{HOST}/")
    assert caught.value.sent is False


@pytest.mark.parametrize("address", ["http://no-such-proxy.invalid:3128", "http://127.0.0.1:9"])
async def test_a_proxy_that_cannot_be_reached_is_reported_and_not_the_host(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    async with Http(timeout=5) as http:
        with pytest.raises(NetworkProblem, match=r"\(HTTPS_PROXY\) cannot be reached") as caught:
            await http.send("GET", f"https://{HOST}/")
    assert HOST not in str(caught.value)
    assert caught.value.sent is False


@pytest.mark.parametrize("kind", ["absent", "empty", "DER", "folder", "text"])
async def test_a_file_without_certificates_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "certificates.pem"
    if kind == "folder":
        path.mkdir()
    elif kind != "absent":
        pem = trustme.CA().cert_pem.bytes()
        path.write_bytes({"empty": b"", "text": b"hello", "DER": ssl.PEM_cert_to_DER_cert(pem.decode())}[kind])
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert (await refused()).cause.startswith(f"SSL_CERT_FILE names {path}, which ")


async def test_a_folder_of_certificates_that_is_not_there_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "absent"))
    assert (await refused()).cause.startswith("SSL_CERT_DIR names ")


async def test_the_certificates_of_the_environment_are_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ca, server_tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(server_tls)  # pyright: ignore[reportUnknownMemberType]
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with RawServer(reply(200, 1), tls=server_tls) as server, Http() as http:
        assert (await http.send("GET", server.url)).json() == 1


async def test_certificates_are_read_for_https_alone_and_asked_for_behind_plain_http(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ca, server_tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(server_tls)  # pyright: ignore[reportUnknownMemberType]
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with RawServer(reply(200, 1)) as plain, RawServer(reply(200, 2), tls=server_tls) as secure, Http() as http:
        assert (await http.send("GET", plain.url)).json() == 1
        with pytest.raises(ConfigurationProblem, match="does not exist"):
            await http.send("GET", secure.url)
        trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        with pytest.raises(NetworkProblem, match="its certificate is not trusted"):
            await http.send("GET", secure.url)


async def test_a_folder_without_certificates_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert "which holds no certificate" in (await refused()).cause
    (tmp_path / "9d66eef0.0").write_bytes(trustme.CA().cert_pem.bytes())
    assert isinstance(trusted(), ssl.SSLContext)


async def test_a_folder_that_is_not_there_is_named_beside_a_good_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "absent"))
    assert (await refused()).cause.startswith("SSL_CERT_DIR names ")


async def test_a_file_of_certificates_is_read_again_once_it_has_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    trustme.CA().cert_pem.write_to_path(str(path))
    first = trusted()
    assert trusted() is first
    trustme.CA().cert_pem.write_to_path(str(path), append=True)
    assert len(trusted().get_ca_certs()) == 2
    path.unlink()
    assert "does not exist" in (await refused()).cause


def test_the_usual_authorities_are_read_once_in_a_process() -> None:
    assert trusted().get_ca_certs()
    assert trusted() is trusted()
