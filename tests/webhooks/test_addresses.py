"""Where webhooks may be sent: public addresses over https, and what else the operator allows by name."""

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from orgsync.errors import ArgumentInvalid, HostNotAllowed, SettingInvalid
from orgsync.settings import Settings, load_settings
from orgsync.webhooks.addresses import Allowed, Resolve, addresses_of, checked_url, resolve

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]
PRIVATE = ["10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "127.8.8.8", "::1", "fd00::1", "::ffff:10.0.0.1"]
PRIVATE_IN_DISGUISE = [
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",  # NAT64
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",  # 6to4
    "2002:a9fe:a9fe::1",
    "100.64.0.1",  # shared by a provider's customers
    "fec0::1",  # site-local: no longer a private network by name, and never a public one
    "::7f00:1",  # IPv4-compatible
    "::ffff:0:7f00:1",  # IPv4-translated
    "64:ff9b:1::7f00:1",  # NAT64 of a site's own
]
NEVER_BY_TRUE = [
    "169.254.169.254",  # metadata of most clouds
    "::ffff:169.254.169.254",
    "168.63.129.16",  # and Azure's
    "fd00:ec2::254",  # AWS's in IPv6
    "fd00:ec2::23",  # credentials of its pods
    "fd20:ce::254",  # Google's in IPv6
    "192.0.0.192",  # Oracle's first
    "100.100.100.200",  # Alibaba's
    "fe80::1",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",  # noqa: S104
    "::",
]


def answering(*addresses: str) -> Resolve:
    async def resolver(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolver


@pytest.mark.parametrize("address", PUBLIC)
async def test_a_public_address_is_allowed_over_https_alone(address: str) -> None:
    assert await addresses_of("https://a.example/x", Allowed(), answering(address)) == [address]
    with pytest.raises(HostNotAllowed, match="not encrypted"):
        await addresses_of("http://a.example/x", Allowed(private=True), answering(address))


@pytest.mark.parametrize("address", [*PRIVATE, *PRIVATE_IN_DISGUISE, *NEVER_BY_TRUE])
async def test_no_other_address_is_allowed_unless_the_operator_says_so(address: str) -> None:
    for scheme in ("https", "http"):
        with pytest.raises(HostNotAllowed):
            await addresses_of(f"{scheme}://a.example/x", Allowed(), answering(address))
        with pytest.raises(HostNotAllowed):  # nor is one of several
            await addresses_of(f"{scheme}://a.example/x", Allowed(), answering(PUBLIC[0], address))


@pytest.mark.parametrize("address", PRIVATE)
async def test_private_addresses_may_be_allowed_and_then_http_too(address: str) -> None:
    assert await addresses_of("http://a.example", Allowed(private=True), answering(address))


@pytest.mark.parametrize("address", NEVER_BY_TRUE)
def test_metadata_and_their_like_need_a_network_that_is_named(address: str) -> None:
    assert not Allowed(private=True).permits(ip_address(address))


SPECIAL_IN_DISGUISE = ["64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"]


@pytest.mark.parametrize("address", [*PRIVATE, *PRIVATE_IN_DISGUISE, *NEVER_BY_TRUE])
async def test_what_a_refusal_says_would_allow_an_address_does_so_and_metadata_are_not_offered(address: str) -> None:
    with pytest.raises(HostNotAllowed) as refused:
        await addresses_of("https://a.example/x", Allowed(), answering(address))
    special = address in [*NEVER_BY_TRUE, *SPECIAL_IN_DISGUISE]
    assert ("webhook_allow_private" in refused.value.remedy) is not special
    offers_true = "webhook_allow_private = true, or" in refused.value.remedy
    assert offers_true is Allowed(private=True).permits(ip_address(address))
    if offers_true or special:
        return
    assert "in a list: webhook_allow_private" in refused.value.remedy
    assert Allowed.of(Settings(webhook_allow_private=(address,))).permits(ip_address(address))


def test_networks_are_allowed_by_name() -> None:
    settings = Settings(webhook_allow_private=("10.0.0.0/8", "169.254.169.254/32"))
    allowed = Allowed.of(settings)
    assert allowed.permits(ip_address("10.1.2.3"))
    assert allowed.permits(ip_address("::ffff:10.1.2.3"))
    assert allowed.permits(ip_address("169.254.169.254"))
    assert not allowed.permits(ip_address("127.0.0.1"))
    with pytest.raises(SettingInvalid, match="no network"):
        Allowed.of(Settings(webhook_allow_private=("ten",)))


def test_the_setting_is_read_from_a_file_and_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "orgsync.toml").write_text('webhook_allow_private = ["10.0.0.0/8"]\n')
    assert load_settings(tmp_path).webhook_allow_private == ("10.0.0.0/8",)
    monkeypatch.setenv("ORGSYNC_WEBHOOK_ALLOW_PRIVATE", "true")
    assert load_settings(tmp_path).webhook_allow_private is True
    monkeypatch.setenv("ORGSYNC_WEBHOOK_ALLOW_PRIVATE", '["fd00::/8"]')
    assert load_settings(tmp_path).webhook_allow_private == ("fd00::/8",)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "017700000001", "127.1", "localhost", "[::ffff:7f00:1]"])
async def test_loopback_in_another_spelling_is_loopback(host: str) -> None:
    with pytest.raises((HostNotAllowed, OSError)):
        await addresses_of(f"https://{host}/x", Allowed(), resolve)


@pytest.mark.parametrize(
    "url",
    [
        *("https://user:pw@a.example/", "https://a.example@127.0.0.1/", "ftp://a.example/", "file:///etc/passwd"),
        *("https:///x", "https://a.example:22/", "https://a.example:25/", "https://a.example:99999/", "a.example"),
        *("https://a.example/\r\nX: y", "https://a.example/#part", "https://a.example\\@b/", "https://é.example/"),
        *("https://[::1", "https://a.example/" + "x" * 2000),
    ],
)
def test_what_is_no_safe_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ArgumentInvalid) as refused:
        checked_url(url)
    assert "pw" not in str(refused.value)


def test_usual_urls_are_taken() -> None:
    for url in ("https://a.example", "https://a.example:8443/x?y=%20z", "http://[::1]:8000/"):
        checked_url(url)
