"""A token goes to Salesforce, to the login host's own, or to nobody."""

import re
from typing import Literal
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orgsync.errors import HostNotAllowed
from orgsync.salesforce.hosts import (
    api_host_allowed,
    is_generic_login,
    is_loopback,
    is_sandbox,
    login_url,
    may_be_org,
    require_api_host,
    require_named_host,
)

LOGIN = "https://login.salesforce.com"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (None, "https://login.salesforce.com"),
        ("production", "https://login.salesforce.com"),
        ("sandbox", "https://test.salesforce.com"),
    ],
)
def test_the_environment_names_the_login_host(
    environment: Literal["production", "sandbox"] | None, expected: str
) -> None:
    assert login_url(environment, None) == expected


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("  https://ACME.my.Salesforce.com/  ", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com:443/home?x=1#y", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com./", "https://acme.my.salesforce.com"),
        ("https://acme.lightning.force.com/lightning/page/home", "https://acme.my.salesforce.com"),
        ("acme.lightning.force.com", "https://acme.my.salesforce.com"),
        (
            "https://acme--dev.sandbox.lightning.force.com/lightning/setup/x",
            "https://acme--dev.sandbox.my.salesforce.com",
        ),
        ("https://acme-dev-ed.develop.lightning.force.com", "https://acme-dev-ed.develop.my.salesforce.com"),
        ("https://acme.my.salesforce-setup.com/lightning/setup", "https://acme.my.salesforce.com"),
        ("https://acme.lightning.crmforce.mil", "https://acme.my.salesforce.mil"),
        ("https://acme.lightning.sfcrmapps.cn", "https://acme.my.sfcrmproducts.cn"),
        ("https://acme.my-lightning.com", "https://acme.my-salesforce.com"),
        ("https://acme.my-salesforce.com", "https://acme.my-salesforce.com"),
        ("https://na139.salesforce.com", "https://na139.salesforce.com"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://127.9.9.9:1", "http://127.9.9.9:1"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://localhost", "https://localhost"),
        ("localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
    ],
)
def test_a_pasted_url_becomes_the_origin_to_sign_in_at(pasted: str, expected: str) -> None:
    assert login_url(None, pasted) == expected
    assert login_url("sandbox", pasted) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://evilsalesforce.com",
        "https://salesforce.com.evil.io",
        "https://login.salesforce.com.evil.io",
        "https://my.salesforce.com.evil.io",
        "https://evil.io/login.salesforce.com",
        "https://evil.io?.salesforce.com",
        "https://evil.io#.salesforce.com",
        "https://login.salesforce.com@evil.io",
        "https://user:pass@login.salesforce.com",
        "https://evil.io\\.salesforce.com",
        "https://evil.io\\@login.salesforce.com",
        "https://evil.io\n.salesforce.com",
        "https://evil.io\t.salesforce.com",
        "https://evil io.salesforce.com",
        "https://login.ſalesforce.com",
        "https://login.salesforce。com",
        "https://login.salesforce.com:8443",
        "https://login.salesforce.com:99999",
        "https://.salesforce.com",
        "https://-.salesforce.com",
        "https://a..salesforce.com",
        "https://%65vil.salesforce.com",
        "http://login.salesforce.com",
        "ftp://login.salesforce.com",
        "javascript://login.salesforce.com",
        "https://lightning.force.com.evil.io",
        "https://evil.lightning.force.com:8443",
        "http://0.0.0.0:80",
        "http://127.0.0.1.evil.io",
        "http://127.1",
        "http://0x7f.0.0.1",
        "http://[::ffff:127.0.0.1]",
        "http://[::1",
        "http://[::1%25eth0]",
        "https://[v1.a:b]",
        "https://[::zz]",
        "https://[2001:db8::1]",
        "http://localhost.evil.io",
        "https://169.254.169.254",
        "https://",
        "",
        "acme",
    ],
)
def test_a_login_url_that_is_not_salesforces_is_refused(url: str) -> None:
    with pytest.raises(HostNotAllowed) as caught:
        login_url(None, url)
    assert caught.value.remedy


def test_a_refused_login_url_names_the_way_to_allow_it() -> None:
    with pytest.raises(HostNotAllowed, match=r"allowed_hosts in orgsync\.toml"):
        login_url(None, "https://gateway.example.com")
    with pytest.raises(HostNotAllowed, match="Use https"):
        login_url(None, "http://login.salesforce.com")
    with pytest.raises(HostNotAllowed, match="no user name"):
        login_url(None, "https://user:hunter2@login.salesforce.com")


@pytest.mark.parametrize("name", ["gateway.example.com", "https://Gateway.example.com/", " gateway.example.com"])
def test_a_host_can_be_allowed_by_name_but_only_as_it_is_named(name: str) -> None:
    assert login_url(None, "https://gateway.example.com/x", allowed_hosts=[name]) == "https://gateway.example.com"
    for other in ("https://a.gateway.example.com", "https://gateway.example.com:8443", "http://gateway.example.com"):
        with pytest.raises(HostNotAllowed):
            login_url(None, other, allowed_hosts=[name])
        assert not api_host_allowed(other, login_url=LOGIN, allowed_hosts=[name])
    assert login_url(None, "https://g.example.com:8443", allowed_hosts=["g.example.com:8443"])


@pytest.mark.parametrize(
    "url",
    [
        "https://test.salesforce.com",
        "https://acme--dev.sandbox.my.salesforce.com",
        "https://acme--dev.my.salesforce.com",
        "https://acme--dev.cs12.my.salesforce.com",
        "https://cs12.salesforce.com",
        "https://quick-fox-1234.scratch.my.salesforce.com",
    ],
)
def test_these_are_sandboxes(url: str) -> None:
    assert is_sandbox(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://login.salesforce.com",
        "https://acme.my.salesforce.com",
        "https://acme-dev-ed.develop.my.salesforce.com",  # a Developer Edition is production
        "https://test-acme.my.salesforce.com",
        "https://na139.salesforce.com",
        "http://127.0.0.1:8080",
        "https://a--b.evil.io",
        "nonsense",
    ],
)
def test_these_are_not_sandboxes(url: str) -> None:
    assert not is_sandbox(url)


def test_generic_login_hosts_are_those_that_all_orgs_share() -> None:
    assert is_generic_login("https://login.salesforce.com")
    assert is_generic_login("https://test.salesforce.com")
    assert not is_generic_login("https://acme.my.salesforce.com")


def test_loopback_is_this_machine_alone() -> None:
    assert is_loopback("http://127.0.0.1:1")
    assert is_loopback("http://[::1]:1")
    assert is_loopback("https://localhost")
    assert not is_loopback("https://login.salesforce.com")
    assert not is_loopback("http://10.0.0.1")
    assert not is_loopback("nonsense")


@pytest.mark.parametrize(
    ("url", "login", "allowed"),
    [
        ("https://acme.my.salesforce.com/services/data", LOGIN, True),
        ("https://acme.my.salesforce.com:443", LOGIN, True),
        ("https://acme.my.salesforce.mil", LOGIN, True),
        ("https://acme.my.salesforce.com:8443", LOGIN, False),
        ("http://acme.my.salesforce.com", LOGIN, False),
        ("https://evilsalesforce.com", LOGIN, False),
        ("https://salesforce.com.evil.io", LOGIN, False),
        ("https://acme.my.salesforce.com@evil.io", LOGIN, False),
        ("http://127.0.0.1:8080", LOGIN, False),
        ("https://localhost", LOGIN, False),
        ("http://127.0.0.1:8081", "http://127.0.0.1:8080", True),
        ("http://localhost:1", "http://127.0.0.1:8080", True),
        ("https://evil.io", "http://127.0.0.1:8080", False),
        ("https://gw.example.com", "https://gw.example.com", True),
        ("https://gw.example.com:8443", "https://gw.example.com", False),
        ("https://other.example.com", "https://gw.example.com", False),
        ("https://acme.my.salesforce.com", "nonsense", False),
        ("nonsense", LOGIN, False),
    ],
)
def test_a_token_answer_may_name_salesforces_hosts_or_the_login_host(url: str, login: str, allowed: bool) -> None:
    assert api_host_allowed(url, login_url=login) is allowed
    if not allowed:
        with pytest.raises(HostNotAllowed, match="no token was sent there"):
            require_api_host(url, login_url=login)


ACME = "https://acme.my.salesforce.com"


@pytest.mark.parametrize(
    ("url", "known", "moved"),
    [
        ("https://new.my.salesforce.com/services/data", ACME, True),
        ("https://new.my.salesforce.mil", ACME, True),
        ("http://new.my.salesforce.com", ACME, False),
        ("https://new.my.salesforce.com:8443", ACME, False),
        ("https://www.salesforce.com/maintenance", ACME, False),
        ("https://my.salesforce.com.evil.io", ACME, False),
        ("https://new.my.salesforce.com@evil.io", ACME, False),
        ("http://127.0.0.1:1", ACME, False),
        ("http://127.0.0.1:2", "http://127.0.0.1:1", True),
        ("nonsense", ACME, False),
    ],
)
def test_an_org_has_moved_only_where_a_redirect_leads_to_a_my_domain(url: str, known: str, moved: bool) -> None:
    assert may_be_org(url, known) is moved


@pytest.mark.parametrize(
    ("url", "login", "named", "sent"),
    [
        (f"{ACME}/services/data", LOGIN, [ACME], True),
        (f"{ACME}:443/services/data", LOGIN, [ACME], True),
        ("https://login.salesforce.com/services/oauth2/userinfo", LOGIN, [ACME], True),
        ("https://api.salesforce.com/x", LOGIN, [ACME, "https://api.salesforce.com"], True),
        ("https://gw.example.com/x", LOGIN, [ACME], True),
        ("https://other.my.salesforce.com", LOGIN, [ACME], False),
        ("https://api.salesforce.com/x", LOGIN, [ACME], False),
        ("https://test.salesforce.com", LOGIN, [ACME], False),
        ("https://gw.example.com:8443/x", LOGIN, [ACME], False),
        ("http://gw.example.com/x", LOGIN, [ACME], False),
        ("https://evil.io", LOGIN, [ACME, "https://evil.io"], False),
        ("http://127.0.0.1:1/x", "http://127.0.0.1:1", ["http://127.0.0.1:2"], True),
        ("http://127.0.0.1:2/x", "http://127.0.0.1:1", ["http://127.0.0.1:2"], True),
        ("http://127.0.0.1:3/x", "http://127.0.0.1:1", ["http://127.0.0.1:2"], False),
        ("http://localhost:2/x", "http://127.0.0.1:1", ["http://127.0.0.1:2"], False),
        ("nonsense", LOGIN, [ACME], False),
    ],
)
def test_a_token_goes_to_hosts_and_ports_that_were_named_and_to_no_other_org(
    url: str, login: str, named: list[str], sent: bool
) -> None:
    if sent:
        assert url.startswith(require_named_host(url, login_url=login, named=named, allowed_hosts=["gw.example.com"]))
        return
    with pytest.raises(HostNotAllowed, match="no token was sent there"):
        require_named_host(url, login_url=login, named=named, allowed_hosts=["gw.example.com"])


def test_an_api_host_is_given_as_an_origin_without_a_trailing_slash() -> None:
    assert (
        require_api_host("https://Acme.my.salesforce.com:443/x/", login_url=LOGIN) == "https://acme.my.salesforce.com"
    )
    named = require_api_host("https://gw.example.com/", login_url=LOGIN, allowed_hosts=["gw.example.com"])
    assert named == "https://gw.example.com"


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("http://acme.my.salesforce.com", "at http://acme.my.salesforce.com, which is not https"),
        ("https://acme.my.salesforce.com:8443", "at acme.my.salesforce.com:8443, which names port 8443"),
        ("https://evil.example", "at evil.example, which is not a Salesforce host"),
        ("acme.my.salesforce.com", "at an address, which is not a web host"),
    ],
)
def test_an_api_host_that_may_not_be_named_says_what_is_wrong_with_it(url: str, wrong: str) -> None:
    with pytest.raises(HostNotAllowed, match=re.escape(wrong)):
        require_api_host(url, login_url=LOGIN)


URLS = st.one_of(
    st.text(alphabet="abc.-_@:/\\?#[]%1 \tsalesforce", max_size=40),
    st.text(max_size=30),
    st.builds("{}.salesforce.com{}".format, st.text(max_size=8), st.text(max_size=8)),
    st.builds("{}://{}".format, st.sampled_from(["http", "https"]), st.text(max_size=30)),
)


@settings(deadline=None)
@given(url=URLS)
def test_whatever_is_allowed_is_a_salesforce_host_to_another_parser_too(url: str) -> None:
    for candidate in (url, f"https://{url}"):
        if api_host_allowed(candidate, login_url=LOGIN):
            parts = urlsplit(require_api_host(candidate, login_url=LOGIN))
            assert parts.scheme == "https"
            assert (parts.hostname or "").endswith((".salesforce.com", ".salesforce.mil", ".sfcrmproducts.cn"))
            assert parts.netloc == parts.hostname


@settings(deadline=None)
@given(url=URLS)
def test_a_login_url_is_refused_or_stays_what_it_became(url: str) -> None:
    try:
        once = login_url(None, url)
    except HostNotAllowed:
        return
    assert login_url(None, once) == once
