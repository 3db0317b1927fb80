"""Which URLs and addresses webhooks may be sent to: none of a private network, unless the operator allows it.

A URL comes from whoever may make webhooks; the request comes from this machine, which reaches more than they do. So the
host is resolved here, every address that it has is checked, and the connection is made to a checked address itself: a
second resolution could give another one (DNS rebinding).
"""

import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

import anyio

from orgsync.errors import ArgumentInvalid, HostNotAllowed, SettingInvalid
from orgsync.settings import Settings

__all__ = ["Allowed", "Resolve", "addresses_of", "checked_url", "resolve"]

IpAddress: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""What finds the addresses of a host and port."""

_LONGEST_URL = 2000
_FIRST_FREE_PORT = 1024
_PORTS = (80, 443)
_METADATA = frozenset(
    ip_address(each)
    for each in (
        "168.63.129.16",  # Azure's, which is a public address
        *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),  # those of AWS, and of Google, in IPv6
        *("100.100.100.200", "192.0.0.192"),  # Alibaba's, and Oracle's first
    )
)
"""Where clouds serve metadata, credentials among them, at an address that is not link-local as 169.254.169.254 is."""
_NAT64 = ip_network("64:ff9b::/96")
_PUBLIC_IPV6 = (ip_network("2000::/3"), _NAT64)
"""All that has been given out of IPv6's public addresses. `is_global` is true for what is merely not known as special,
such as site-local addresses and IPv4 ones written as IPv6 by older schemes."""
_ALLOW = "Allow it in orgsync.toml: webhook_allow_private = true, or a list of networks."
_ALLOW_NETWORK = (
    "Allow its network in orgsync.toml, in a list: webhook_allow_private = [...]; with true it is not allowed."
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which addresses beside public ones may be sent to: all private and loopback ones, or those of some networks.

    Link-local, multicast and metadata addresses, and others that are neither public nor private, such as those that a
    provider's customers share (100.64.0.0/10), have to be in a network that is named.
    """

    private: bool = False
    networks: Sequence[Network] = ()

    @classmethod
    def of(cls, settings: Settings) -> "Allowed":
        """Read what the settings allow; raises SettingInvalid for what is no network."""
        chosen = settings.webhook_allow_private
        if isinstance(chosen, bool):
            return cls(private=chosen)
        try:
            return cls(networks=[ip_network(each) for each in chosen])
        except ValueError:
            raise SettingInvalid(
                "The setting webhook_allow_private holds something that is no network.",
                'Write networks so: webhook_allow_private = ["10.0.0.0/8", "127.0.0.1/32"].',
            ) from None

    def permits(self, address: IpAddress) -> bool:
        """Return whether an address may be sent to; one that embeds an IPv4 address is judged by that as well."""
        return all(self._permits(each) for each in (_mapped(address), *_embedded(address)))

    def is_exception(self, address: IpAddress) -> bool:
        """Return whether an address may be sent to only because the operator allows it."""
        return self.permits(address) and not Allowed().permits(address)

    def _permits(self, address: IpAddress) -> bool:
        if any(address in network for network in self.networks if network.version == address.version):
            return True
        if _is_special(address):
            return False
        return _is_public(address) or (self.private and (address.is_private or address.is_loopback))


def checked_url(url: str) -> SplitResult:
    """Return the parts of a URL that a webhook may have; raises ArgumentInvalid, which does not repeat it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ArgumentInvalid("The webhook's URL cannot be read.", "Write it so: https://HOST/PATH.") from None
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ArgumentInvalid(
            "The webhook's URL is longer than 2,000 characters, or holds one that no URL has.",
            "Write other characters as %XX, and an international host name in its xn-- form.",
        )
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ArgumentInvalid(
            "The webhook's URL does not begin with https:// or http://.", "Write it so: https://HOST/PATH."
        )
    if "@" in parts.netloc:
        raise ArgumentInvalid(
            "The webhook's URL holds a user name or a password.",
            "Leave it out: the receiver knows a message by its signature.",
        )
    if port is not None and port not in _PORTS and port < _FIRST_FREE_PORT:
        raise ArgumentInvalid(f"Webhooks are not sent to port {port}.", "Use 443, 80, or one from 1024 on.")
    if parts.fragment:
        raise ArgumentInvalid("The webhook's URL has a fragment (#), which is never sent.", "Leave it out.")
    return parts


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as the system finds them; raises OSError where it finds none."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def addresses_of(url: str, allowed: Allowed, resolver: Resolve = resolve) -> Sequence[str]:
    """Return the addresses of a URL's host, each of which may be sent to.

    Raises ArgumentInvalid for a URL that webhooks may not have, HostNotAllowed where one of the addresses, or http on
    it, is not allowed, and OSError for a host without one.
    """
    parts = checked_url(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = [ip_address(each) for each in await resolver(parts.hostname or "", port)]
    if not found:
        raise OSError("no address")
    for address in found:
        if not allowed.permits(address):
            raise _not_allowed(parts.hostname or "", address)
        if parts.scheme == "http" and not allowed.is_exception(address):
            raise HostNotAllowed(
                f"The webhook's URL, to {parts.hostname}, is not encrypted (http), "
                "which only private networks that are allowed may be.",
                "Use https.",
            )
    return [str(each) for each in found]


def _not_allowed(host: str, address: IpAddress) -> HostNotAllowed:
    """Return why an address is not sent to; what leads to a cloud's metadata is not offered to be allowed."""
    if any(_is_special(each) for each in (_mapped(address), *_embedded(address))):
        return HostNotAllowed(
            f"The webhook's host {host} has an address that is link-local, multicast, unspecified "
            "or a cloud's metadata service.",
            "Give the receiver another address, and use that in the webhook's URL.",
        )
    if Allowed(private=True).permits(address):
        return HostNotAllowed(f"The webhook's host {host} has an address of a private network.", _ALLOW)
    return HostNotAllowed(f"The webhook's host {host} has an address that is not public.", _ALLOW_NETWORK)


def _is_special(address: IpAddress) -> bool:
    return address.is_multicast or address.is_link_local or address.is_unspecified or address in _METADATA


def _is_public(address: IpAddress) -> bool:
    if address.version == 6 and not any(address in network for network in _PUBLIC_IPV6):
        return False
    return address.is_global


def _mapped(address: IpAddress) -> IpAddress:
    """Return the IPv4 address that an IPv6 one is another spelling of, or the address itself."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _embedded(address: IpAddress) -> Sequence[IpAddress]:
    """Return the IPv4 addresses that packets to an IPv6 address may end at: by 6to4, Teredo or NAT64."""
    if not isinstance(address, IPv6Address):
        return ()
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    return (IPv4Address(int(address) & 0xFFFFFFFF),) if address in _NAT64 else ()
