"""What tests' own HTTP clients trust where they only speak plain HTTP: nobody.

A client of httpx that is told nothing reads the certificates of all authorities, which takes longer than most tests.
"""

import ssl
from functools import partial

import httpx

__all__ = ["NOBODY", "get", "post"]

NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Given as `verify`: a handshake would fail, for no certificate is trusted."""

get = partial(httpx.get, verify=NOBODY)
post = partial(httpx.post, verify=NOBODY)
