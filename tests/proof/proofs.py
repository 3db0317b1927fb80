"""How long the proofs take."""

import os

__all__ = ["TIMES"]

TIMES = int(os.environ.get("ORGSYNC_PROOF", "1"))
"""How many times as much is tried as in CI, where the proofs take about a minute."""
