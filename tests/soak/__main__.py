"""Run the long proofs: `python -m tests.soak`, with pytest's own options after it."""

from __future__ import annotations

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(["tests/soak", "-s", "-p", "no:cacheprovider", *sys.argv[1:]]))
