"""The environment's network configuration: the proxy for a host, and the certificates that are trusted."""

import os
import re
import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from orgsync.errors import NetworkProblem, PackageMissing, ProxyRefused, SettingInvalid
from orgsync.printable import excerpt

__all__ = ["LOOPBACK", "Proxies", "Proxy", "proxy_refusal", "proxy_unreachable", "trusted"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SOCKS = ("socks5", "socks5h")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_EXAMPLE = "http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT"


@dataclass(frozen=True, slots=True)
class Proxy:
    """Hold a proxy's address, which may contain a password, and the variable or setting that names it."""

    url: str = field(repr=False)
    host: str
    source: str


class Proxies:
    """The proxies of the environment, or of the system's settings, as they are when this is made."""

    def __init__(self) -> None:
        self._texts = {scheme: text for scheme, text in getproxies().items() if text}
        self._known: dict[str, Proxy] = {}

    def for_host(self, scheme: str, host: str) -> Proxy | None:
        """Return the proxy for a host; None where it is reached directly, as loopback always is.

        Raises SettingInvalid, which names the variable, for an address that is not a proxy's.
        """
        name = scheme if scheme in self._texts else "all"
        text = self._texts.get(name)
        if text is None or host in LOOPBACK or proxy_bypass(host):
            return None
        if name not in self._known:
            self._known[name] = _parsed(text.strip(), _source_of(name))
        return self._known[name]


def trusted() -> ssl.SSLContext:
    """Return the TLS context that trusts what SSL_CERT_FILE, or else SSL_CERT_DIR, names; certifi's without either.

    A file that is unchanged is read once in a process: that takes 20 ms of CPU, and each pool of connections needs it.
    Raises SettingInvalid, which names the variable, for a path that holds no certificates in PEM form.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if folder and not any(_is_folder(each) for each in folder.split(os.pathsep)):
        raise SettingInvalid(
            f"SSL_CERT_DIR names {excerpt(folder)}, which is not a folder.", "Correct the variable, or unset it."
        )
    if file:
        return _trusting(Path(file))
    if folder and not any(_has_certificates(each) for each in folder.split(os.pathsep)):
        raise SettingInvalid(
            f"SSL_CERT_DIR names {excerpt(folder)}, which holds no certificate by the name of its hash.",
            "Run `openssl rehash FOLDER`, name a PEM file in SSL_CERT_FILE instead, or unset the variable.",
        )
    if folder:
        return ssl.create_default_context(capath=folder)
    import certifi

    return _trusting(Path(certifi.where()))


def proxy_refusal(proxy: Proxy, text: str, host: str) -> ProxyRefused | NetworkProblem:
    """Return the error of a proxy that was reached and does not connect to a host; `text` is httpx's message."""
    status = match.group() if (match := re.match(r"\d{3}\b", text)) else ""
    if status in ("401", "407"):
        return ProxyRefused(
            f"The proxy {proxy.host} ({proxy.source}) requires a user name and a password (status {status}).",
            f"Write them into the proxy's address in {proxy.source}: http://USER:PASSWORD@HOST:PORT.",
        )
    if status == "403":
        return ProxyRefused(
            f"The proxy {proxy.host} ({proxy.source}) does not allow connections to {host} (status 403).",
            f"Have the proxy's administrator allow {host}{'' if re.search(r':[0-9]+$', host) else ', port 443'}.",
        )
    suffix = f" (status {status})" if status else ""
    return NetworkProblem(
        f"The proxy {proxy.host} ({proxy.source}) could not connect to {host}{suffix}.",
        f"Check the proxy, and that {proxy.source} names the right one.",
        sent=False,
    )


def proxy_unreachable(proxy: Proxy) -> NetworkProblem:
    """Return the error of a proxy that cannot be reached."""
    return NetworkProblem(
        f"The proxy {proxy.host} ({proxy.source}) cannot be reached.",
        f"Check the proxy and the network; correct {proxy.source}, or unset it.",
        sent=False,
    )


def _source_of(name: str) -> str:
    variables = (f"{name}_proxy", f"{name.upper()}_PROXY")
    return next((each for each in variables if os.environ.get(each)), "the system's proxy settings")


def _parsed(text: str, source: str) -> Proxy:
    url = text if "://" in text else f"http://{text}"
    if _CONTROL.search(url):
        raise SettingInvalid(
            f"{source} holds a line end, a tab or another control character.",
            f"Write it as {_EXAMPLE}, and such a character of a user name or password as %0A or %09.",
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if not host or not re.fullmatch(r"[\w.:-]+", host, re.ASCII):
        raise SettingInvalid(f"{source} does not hold the address of a proxy.", f"Write it as {_EXAMPLE}.")
    if parts.scheme not in ("http", "https", *_SOCKS):
        raise SettingInvalid(f"{source} names a proxy of an unknown kind: {parts.scheme}.", f"Write it as {_EXAMPLE}.")
    if parts.scheme in _SOCKS and find_spec("socksio") is None:
        raise PackageMissing(
            f"{source} names a SOCKS proxy, and the package for that is not installed.",
            extra="socks",
            otherwise=f"; or unset {source}",
        )
    return Proxy(url, host if port is None else f"{host}:{port}", source)


def _is_folder(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except (OSError, ValueError):  # a name that no file can have
        return False


_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")  # as `openssl rehash` names what OpenSSL looks for


def _has_certificates(folder: str) -> bool:
    try:
        return any(_HASHED.fullmatch(each.name) for each in Path(folder).iterdir())
    except (OSError, ValueError):
        return False


def _trusting(file: Path) -> ssl.SSLContext:
    if _is_folder(str(file)):
        raise _no_certificates(file, "is a folder", "Name a file, or use SSL_CERT_DIR for the folder.")
    try:
        found = file.stat()
        return _read(file.absolute(), found.st_ino, found.st_mtime_ns, found.st_size)
    except FileNotFoundError:
        reason = "does not exist"
    except ssl.SSLError:
        reason = "holds no certificate in PEM form"
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    raise _no_certificates(
        file, reason, "Name a PEM file (-----BEGIN CERTIFICATE-----), or unset the variable to trust the usual ones."
    )


@lru_cache(maxsize=4)
def _read(file: Path, *_version: int) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=file)


def _no_certificates(file: Path, reason: str, remedy: str) -> SettingInvalid:
    return SettingInvalid(f"SSL_CERT_FILE names {excerpt(str(file))}, which {reason}.", remedy)
