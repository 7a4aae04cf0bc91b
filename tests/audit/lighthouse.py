"""Lighthouse: what our tag costs a page, as the difference to the same page without it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.audit.product import RunningProduct, running_product
from tests.audit.result import Result, judged
from tests.audit.tools import chromium, node_package, program

RUNS = int(os.environ.get("AUDIT_LIGHTHOUSE_RUNS", "5"))
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
PAGES = {"blank page": ("/blank", "/blank-with"), "sample site": ("/without", "/")}
FLAGS = "--headless=new --no-sandbox --disable-background-networking --disable-dev-shm-usage"

Scores = dict[str, float]


def judge(_: RunningProduct) -> Iterator[Result]:
    """Measure both pages in turns; no median may be worse, but the blocking time's by the spread."""
    with tempfile.TemporaryDirectory() as folder, running_product(Path(folder)) as running:
        for name, (without, with_tag) in PAGES.items():
            runs: dict[str, list[Scores]] = {without: [], with_tag: []}
            for _number in range(RUNS):
                for path in runs:
                    runs[path].append(_measure(f"http://127.0.0.1:{running.site_port}{path}", Path(folder)))
            yield _compared(f"{name}, {RUNS} runs each", runs[without], runs[with_tag])


def _measure(url: str, folder: Path) -> Scores:
    report = folder / "lighthouse.json"
    entry = node_package("lighthouse") / "cli" / "index.js"
    command = [program("node"), str(entry), url, "--quiet", "--output=json", f"--output-path={report}"]
    command += [f"--chrome-flags={FLAGS}", f"--only-categories={','.join(CATEGORIES)}"]
    env = {**os.environ, "CHROME_PATH": chromium()}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-500:])
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    audits = found["audits"]
    scores = {each: 100 * found["categories"][each]["score"] for each in CATEGORIES}
    scores["TBT ms"] = audits["total-blocking-time"]["numericValue"]
    scores["CLS"] = audits["cumulative-layout-shift"]["numericValue"]
    scores["requests"] = len(audits["network-requests"]["details"]["items"])
    scores["bytes, the tag's own too"] = audits["total-byte-weight"]["numericValue"]
    return scores


def _compared(subject: str, without: list[Scores], with_tag: list[Scores]) -> Result:
    parts, findings = [], []
    for figure in without[0]:
        before, after = ([run[figure] for run in runs] for runs in (without, with_tag))
        difference = statistics.median(after) - statistics.median(before)
        spread = max(max(values) - min(values) for values in (before, after))
        parts.append(f"{figure} {difference:+.3g} ({spread:.2g})")
        if figure in ("requests", "bytes, the tag's own too"):
            continue  # told, not judged: what is sent has a budget of its own, with a test
        worse = -difference if figure in CATEGORIES else difference
        if worse > (spread if figure == "TBT ms" else 0):
            findings.append(
                f"{figure}: {statistics.median(before):.3g} without, {statistics.median(after):.3g} with the tag"
            )
    return judged("Lighthouse", subject, findings, said="with − without (spread): " + ", ".join(parts))
