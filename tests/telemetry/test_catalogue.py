"""`examples/deploy/TELEMETRY.md` lists every event that the product logs and every metric, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from widget.telemetry import DEFINITIONS

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "examples" / "deploy" / "TELEMETRY.md"


def listed() -> dict[str, set[str]]:
    """Return the events of the catalogue with their levels."""
    section = FILE.read_text(encoding="utf-8").partition("## Events\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()]
    return {row[0].strip("`"): set(re.findall(r"\w+", row[1])) for row in cells if row[0].startswith("`")}


def logged() -> dict[str, set[str]]:
    """Return the levels at which each event is logged, read from the source."""
    found: dict[str, set[str]] = {}
    for module in (ROOT / "widget").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            receiver, name = ast.unparse(node.func.value), node.args[1 if node.func.attr == "log" else 0 :]
            if receiver not in ("log", "logger()", "telemetry.logger()", "self._log") or not name:
                continue
            level = "any" if node.func.attr == "log" else node.func.attr
            for each in (name[0].body, name[0].orelse) if isinstance(name[0], ast.IfExp) else name[:1]:
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    found.setdefault(each.value, set()).add(level)
    return found


def test_every_event_is_in_the_catalogue_with_its_level() -> None:
    assert listed() == logged()


def metrics_table() -> str:
    rows = [
        f"| `{each.name}` | {each.kind} | {', '.join(f'`{label}`' for label in each.labels)} | {each.help} |\n"
        for each in DEFINITIONS
    ]
    return "".join(("| metric | kind | labels | meaning |\n|---|---|---|---|\n", *rows))


def test_the_table_of_metrics_is_made_from_their_definitions() -> None:
    said = "`python -m tests.telemetry.test_catalogue` writes the table anew"
    assert FILE.read_text(encoding="utf-8").partition("## Metrics\n\n")[2] == metrics_table(), said


if __name__ == "__main__":
    text, heading, _ = FILE.read_text(encoding="utf-8").partition("## Metrics\n\n")
    FILE.write_text(text + heading + metrics_table(), encoding="utf-8")
