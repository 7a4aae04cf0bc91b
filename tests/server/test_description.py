"""The product as shipped does what /openapi.json says of it, whatever a client makes of that."""

from __future__ import annotations

from pathlib import Path

from tests.audit.product import running_product
from tests.described import look


def test_what_a_client_makes_of_the_description_is_answered_as_it_says(tmp_path: Path) -> None:
    """A small and steady part of what `python -m tests.audit schemathesis` asks."""
    with running_product(tmp_path) as running:
        seen = look(running, examples=4, operator=True)
    assert not seen.findings, "\n".join(seen.findings)
    assert seen.requests > 200
