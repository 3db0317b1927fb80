"""Who holds leases: each open store, known by its host, its process, and the system that this runs in.

Whether a holder has died is known of processes of this system alone: the same boot of the same kernel, and the same
space of process numbers. Two containers may share a host's name, and then each other's numbers mean nothing. Everywhere
else, and where the system does not tell, a lease lasts until it expires.
"""

import os
import secrets
import socket
from functools import cache
from hashlib import sha256
from pathlib import Path

from ..holder import Holder

__all__ = ["is_dead", "new_holder"]

_TOKEN = 16  # characters that tell two stores of one process apart; the system's follow


def new_holder() -> Holder:
    """Return a holder for this process."""
    return Holder(socket.gethostname(), os.getpid(), secrets.token_hex(_TOKEN // 2) + _system())


def is_dead(holder: Holder) -> bool:
    """Return whether a holder is known to have died."""
    system = holder.token[_TOKEN:]
    if not system or system != _system() or holder.host != socket.gethostname():
        return False
    try:
        state = Path(f"/proc/{holder.pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    except (OSError, IndexError):
        return False
    return state in "ZX"


@cache
def _system() -> str:
    """Return what tells this system's process numbers from any other's; "" where that is not known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        numbers = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return sha256(f"{boot} {numbers}".encode()).hexdigest()[:16]
