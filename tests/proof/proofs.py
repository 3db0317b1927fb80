"""How long the proofs take."""

import os

__all__ = ["TIMES"]

TIMES = int(os.environ.get("PROOF_TIMES", "1"))
"""How many times as much is tried as in CI, where the proofs take about a minute."""
