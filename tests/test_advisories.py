"""`make advisories`: what it says when all is well, when it is not, and when nobody could be asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.release.advisories import result
from tests.release.packages import ROOT

WELL = {"name": "click", "version": "8.5.1", "vulns": []}
UNKNOWN = {"name": "anyio", "skip_reason": "Dependency not found on PyPI and could not be audited: anyio (4.16.0)"}
WEAK = {"name": "rich", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": []}]}
TRACEBACK = "Traceback (most recent call last):\n  File …\nrequests.exceptions.ConnectionError: no route"


@pytest.mark.parametrize(
    ("packages", "words", "code"),
    [
        ([WELL], 'No known weakness in 1 locked packages, says "pypi".', 0),
        ([WELL, WEAK], "rich 1.0: PYSEC-2026-1, mended in 1.1", 1),
        ([WELL, UNKNOWN], 'Not known to "pypi": anyio', 2),
        ([UNKNOWN, WEAK], 'rich 1.0: PYSEC-2026-1, mended in 1.1\nNot known to "pypi": anyio', 1),
    ],
)
def test_weaknesses_and_what_was_not_looked_up_are_named(packages: list[Any], words: str, code: int) -> None:
    assert result("pypi", json.dumps({"dependencies": packages}), "") == (words, code)


def test_a_service_that_knows_no_package_at_all_is_no_all_clear() -> None:
    """As where a mirror of packages answers in the place of the service."""
    words, code = result("pypi", json.dumps({"dependencies": [UNKNOWN, UNKNOWN]}), "No known vulnerabilities found")
    assert code == 2
    assert words.startswith('The advisory service "pypi" knows none of the 2 packages; ')


def test_any_other_end_is_told_by_its_last_line() -> None:
    words, code = result("pypi", "", "usage: …\nerror: invalid choice: 'pypy'\n")
    assert (words, code) == ("pip-audit did not finish: error: invalid choice: 'pypy'", 2)


def test_a_service_that_is_not_reached_is_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "pip-audit"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{TRACEBACK}\nEND\nexit 1\n")
    program.chmod(0o755)
    command = [sys.executable, "-m", "tests.release.advisories", str(tmp_path), "osv"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert 'The advisory service "osv" was not reached, so nothing was looked up' in done.stderr
