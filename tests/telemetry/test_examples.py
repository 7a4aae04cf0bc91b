"""The dashboard and the alert rules ask only for metrics, labels and statuses that the product exposes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from widget.telemetry import DEFINITIONS

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "grafana"
OURS = {each.name: set(each.labels) for each in DEFINITIONS}
ADDED = {"job", "instance", "le"}


def expressions() -> list[str]:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    found = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    rules = (FOLDER / "alerts.yml").read_text()
    found += re.findall(r"expr: (?!>-)(.+)", rules)
    found += [" ".join(block.split()) for block in re.findall(r"expr: >-\n((?:          .*\n)+)", rules)]
    return found


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_asks_for_what_there_is(expression: str) -> None:
    for name, selector in re.findall(r"\b(ece_widget_\w+)(?:\{([^}]*)\})?", expression):
        metric = re.sub(r"_(bucket|sum|count)$", "", name)
        assert metric in OURS, name
        labels = set(re.findall(r"(\w+)\s*(?:=|!=|=~|!~)\s*\"", selector))
        assert labels <= OURS[metric] | ADDED, name
    assert expression.count("(") == expression.count(")")
    assert expression.count("{") == expression.count("}")


def test_every_metric_is_on_the_dashboard() -> None:
    shown = (FOLDER / "dashboard.json").read_text()
    assert not [name for name in OURS if name not in shown]
