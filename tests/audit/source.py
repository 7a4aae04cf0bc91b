"""The product's own source, as bandit and ruff's security rules see it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

from tests.audit.product import RunningProduct
from tests.audit.result import Excuse, Result, judged
from tests.audit.tools import ROOT, python_program

# Bandit knows no types, and counts whatever has a secret's name.
EXCUSES = (
    Excuse("B101", "asserts tell mypy what is known already; nothing that comes from outside is checked by one"),
    Excuse("B106", "an empty default is no password"),
)
_SUPPRESSED = re.compile(r"#\s*noqa:\s*[A-Z0-9, ]*\bS\d+.*|#\s*nosec.*")


def bandit(_: RunningProduct) -> Iterator[Result]:
    """Return bandit's findings of every severity; what `noqa: S…` excuses with a reason is excused here too."""
    done = subprocess.run(
        [python_program("bandit"), "-q", "-r", "widget", "-f", "json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    found = json.loads(done.stdout[done.stdout.index("{") :])
    assert not found["errors"], found["errors"]
    open_: list[str] = []
    excused: list[str] = []
    for each in found["results"]:
        lines = (ROOT / each["filename"]).read_text(encoding="utf-8").splitlines()
        said = f"{each['filename']}:{each['line_number']} {each['test_id']} {each['issue_text']}"
        marked = next((lines[number - 1] for number in each["line_range"] if _SUPPRESSED.search(lines[number - 1])), "")
        (excused if marked else open_).append(f"{said} {marked and _SUPPRESSED.findall(marked)[0]}")
    result = judged("bandit", "widget/", open_, excuses=EXCUSES)
    yield replace(result, said=f"{len(result.findings)} open", excused=(*result.excused, *excused))


def ruff(_: RunningProduct) -> Iterator[Result]:
    """Return what ruff's security rules find, with each `noqa` of the source that names one."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "widget",
        "--select",
        "S",
        "--ignore",
        "S101",
        "--output-format",
        "json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    findings = [f"{each['filename']}:{each['location']['row']} {each['code']}" for each in json.loads(done.stdout)]
    excused = [
        f"{file.relative_to(ROOT)}:{number} {marked[0]}"
        for file in sorted((ROOT / "widget").rglob("*.py"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if (marked := _SUPPRESSED.search(line))
    ]
    yield Result("ruff S", "widget/", f"{len(findings)} open", tuple(findings), tuple(excused))
    yield judged("ruff S", "reasons given", [each for each in excused if not re.search(r"[—-] \w", each)])
