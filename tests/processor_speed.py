"""How fast the processor is at this moment: what tests of processor time hold their bounds against."""

from __future__ import annotations

import time

# Seconds for the work below on the machine on which the bounds were chosen, with nothing else on its cores. Another
# thread on the same core doubles them, of whatever machine it is.
USUAL = 0.0053


def slowness() -> float:
    """Return how many times longer than usual a fixed piece of work takes now; 1 on a faster machine."""
    started = time.thread_time()
    sum(number * number for number in range(100_000))
    return max(1.0, (time.thread_time() - started) / USUAL)
