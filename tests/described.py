"""Let schemathesis hold a running product against its own /openapi.json: requests that fit it, and ones that do not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from tests.audit.product import TOKEN, RunningProduct

SETTINGS = Path(__file__).with_name("data") / "schemathesis.toml"
# As an operator, whose token is also left out and spoilt on purpose; without it, who is refused is no surprise.
OPERATOR = f'\n[auth.openapi.bearer]\nbearer = "{TOKEN}"\n'
VISITOR = "\n[[operations]]\ninclude-path-regex = '^/(v1/survey-links|preview|metrics)$'\nwarnings = false\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """How many requests were made, and what was found, as schemathesis tells it."""

    requests: int
    findings: tuple[str, ...]


def look(product: RunningProduct, *, examples: int, operator: bool, seed: int | None = None) -> Seen:
    """Ask every address with `examples` requests of each kind, alone and one after the other as answers lead on.

    Without a seed they are the same requests each time.
    """
    folder = product.folder
    described, settings, report = (folder / name for name in ("openapi.json", "schemathesis.toml", "seen.json"))
    described.write_text(json.dumps(_with_heads(json.loads(product.ask("/openapi.json").body))), encoding="utf-8")
    filled = Template(SETTINGS.read_text(encoding="utf-8")).substitute(
        link=product.survey_path.rpartition("/")[2],
        ticket=product.ask("/v1/chat/sales").header("location").rpartition("ticket=")[2],
    )
    settings.write_text(filled + (OPERATOR if operator else VISITOR), encoding="utf-8")
    report.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(settings)),
        *("run", str(described), "--url", product.origin, "--checks", "all", "--continue-on-failure"),
        *("--max-examples", str(examples), "--report", "json", "--report-json-path", str(report)),
        *(("--generation-deterministic",) if seed is None else ("--generation-database", "none", "--seed", str(seed))),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if not report.exists():
        raise RuntimeError(f"schemathesis did not come to its end: {(done.stderr or done.stdout)[-2000:]}")
    requests = json.loads(report.read_text(encoding="utf-8"))["test_cases"]["generated"]
    return Seen(requests, () if done.returncode == 0 else tuple(_findings(done.stdout)))


def _with_heads(document: dict[str, Any]) -> dict[str, Any]:
    """Describe HEAD as HTTP does: what GET says, without its content."""
    for operations in document["paths"].values():
        if "get" in operations:
            responses = {
                status: {name: each for name, each in response.items() if name != "content"}
                for status, response in operations["get"]["responses"].items()
            }
            operations["head"] = {**operations["get"], "responses": responses}
    return document


def _findings(said: str) -> list[str]:
    sections = re.split(r"^=+ ([A-Z]+) =+$", said, flags=re.MULTILINE)
    told = [text.strip() for name, text in zip(sections[1::2], sections[2::2], strict=True) if name != "SUMMARY"]
    return told or [said[-2000:]]
