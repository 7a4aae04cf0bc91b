"""What is claimed about security names tests, and the tests are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLE = (ROOT / "examples" / "security" / "ASVS.md").read_text(encoding="utf-8")
PAGE = (ROOT / "examples" / "security" / "README.md").read_text(encoding="utf-8")
HEADINGS = ("What is signed", "What is stored, and for how long", "What is logged", "What a visitor's browser keeps")


def defined_tests() -> set[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"def (test_\w+)\(", file.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("text", [TABLE, PAGE], ids=["ASVS.md", "README.md"])
def test_every_test_that_a_claim_names_is_there(text: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 20
    assert named - defined_tests() == set()


def test_every_item_of_the_standard_has_a_test_or_a_reason() -> None:
    rows = [line.strip("|").split("|") for line in TABLE.splitlines() if re.match(r"\| \d+\.\d+\.\d+ ", line)]
    assert len(rows) > 70
    items = [row[0].strip() for row in rows]
    assert len(set(items)) == len(items)
    for item, _, here, proof in rows:
        reason = proof.strip().endswith(".") and len(proof) > 40
        assert "`test_" in proof or reason, item
        assert here.strip(), item


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_heading_of_the_page_has_claims_with_tests(heading: str) -> None:
    part = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    assert len(re.findall(r"`test_\w+`", part)) >= 3
