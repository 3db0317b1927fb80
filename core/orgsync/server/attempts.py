"""How often a caller has shown a token that is none: guessing is slowed down."""

from collections import OrderedDict

import anyio

__all__ = ["Attempts"]

_ALLOWED = 20
_PER_SECONDS = 60.0
_ADDRESSES = 10_000
"""How many addresses are remembered; of more, those that failed longest ago are forgotten."""


class Attempts:
    """Failures by address: after 20 in a minute an address waits."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait_for(self, address: str) -> int:
        """Return for how many seconds an address is not answered; 0: it is."""
        since, count = self._failed.get(address, (0.0, 0))
        left = since + _PER_SECONDS - anyio.current_time()
        return max(1, round(left)) if count >= _ALLOWED and left > 0 else 0

    def note(self, address: str) -> None:
        """Note a failure."""
        now = anyio.current_time()
        since, count = self._failed.pop(address, (now, 0))
        if now - since > _PER_SECONDS:
            since, count = now, 0
        self._failed[address] = (since, count + 1)
        while len(self._failed) > _ADDRESSES:
            self._failed.popitem(last=False)
