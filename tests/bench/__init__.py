"""`python -m tests.bench`: ratios from one run on this machine; never a timed test."""
