"""What `ece-widget report` says of surveys, against an independent computation from the export."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import math
import random
import statistics
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from widget.application.surveys import Surveys
from widget.cli import main
from widget.commands.init import starter
from widget.services.survey_links import survey_links
from widget.settings import load
from widget.store.outbox import open_outbox
from widget.tokens import Tokens

FIRST = datetime(2026, 11, 2, 8, tzinfo=UTC)
SURVEY = """
[surveys.after_chat]
title = "How did we do?"
[[surveys.after_chat.questions]]
id = "helpful"
kind = "rating"
scale = 7
text = "How helpful?"
[[surveys.after_chat.questions]]
id = "again"
kind = "nps"
text = "Again?"
[[surveys.after_chat.questions]]
id = "why"
kind = "choices"
text = "Why?"
options = [{ value = "price", text = "Price" }, { value = "place", text = "Place" }]
[[surveys.after_chat.questions]]
id = "comment"
kind = "text"
text = "Anything else?"
"""
Z = 1.959963984540054


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "ece-widget.toml"
    file.write_text(starter() + SURVEY)
    monkeypatch.setenv("ECE_WIDGET_STORAGE__URL", f"sqlite:///{tmp_path}/outbox.db")
    monkeypatch.setenv("ECE_WIDGET_ENTRY_POINTS__SALES__SURVEY", "after_chat")
    return file


def run(config: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(main, [*arguments, "--config", str(config)])
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def answered(config: Path) -> Path:
    """Two hundred surveys over three weeks, taken as visitors' are."""
    found, chance, clock = load(config), random.Random(11), {"now": FIRST}

    async def answer() -> None:
        outbox = await open_outbox(found.storage.url.get_secret_value(), now=lambda: clock["now"])
        links = survey_links(found, Tokens(["a-secret-for-tests"], lambda: clock["now"]), lambda: clock["now"])
        surveys = Surveys(links, outbox=outbox, rehearse=lambda message: None)
        for number in range(200):
            clock["now"] = FIRST + timedelta(hours=2.5 * number)
            fields = {"helpful": [str(min(7, max(1, round(chance.gauss(5, 2)))))]}
            if chance.random() < 0.7:
                fields["again"] = [str(chance.randint(0, 10))]
            if chance.random() < 0.5:
                fields["why"] = chance.sample(["price", "place"], chance.randint(1, 2))
            if chance.random() < 0.3:
                fields["comment"] = ["=1+1"]
            opened = links.open(links.link(f"sid-{number}", "sales").token)
            assert (await surveys.submit(opened, fields, language="en")).new
        await outbox.close()

    asyncio.run(answer())
    return config


def exported(config: Path, first: str, last: str) -> dict[str, list[str]]:
    """Return the answers by question, from the export."""
    lines = run(config, "surveys", "export", "--since", first, "--until", last).stdout
    answers: dict[str, list[str]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(lines)):
        answers[row["questionId"]].append(row["answer"])
    return answers


def wilson(number: int, answered: int) -> tuple[float, float]:
    """Return the bounds at which a share is z standard errors away, found by halving."""
    share = number / answered

    def away(bound: float) -> bool:
        return abs(share - bound) > Z * math.sqrt(bound * (1 - bound) / answered)

    def edge(outside: float) -> float:
        inside = share
        for _ in range(80):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if away(middle) else (middle, outside)
        return inside

    return edge(0.0), edge(1.0)


@pytest.mark.parametrize(("first", "last"), [("2026-11-01", "2026-11-30"), ("2026-11-05", "2026-11-09")])
def test_figures_are_those_of_the_export_to_the_last_digit(answered: Path, first: str, last: str) -> None:
    told = json.loads(run(answered, "report", "--json", "--since", first, "--until", last).stdout)
    (survey,) = told["surveys"]
    answers = exported(answered, first, last)
    questions = {each["question"]: each for each in survey["questions"]}
    assert {name: each["answered"] for name, each in questions.items()} == {
        name: len(given) for name, given in answers.items()
    }
    ratings, marks = ([int(each) for each in answers[name]] for name in ("helpful", "again"))
    assert questions["helpful"]["score"] == round(statistics.fmean(ratings), 2)
    scores = [100 if each >= 9 else -100 if each <= 6 else 0 for each in marks]
    assert questions["again"]["score"] == round(statistics.fmean(scores), 2)
    words = {"why": Counter(each for given in answers["why"] for each in given.split("; "))}
    for name in ("helpful", "again"):
        words[name] = Counter(answers[name])
    for name, numbers in words.items():
        for value in questions[name]["values"]:
            number, all_of_them = numbers[value["words"]], len(answers[name])
            low, high = wilson(number, all_of_them)
            assert value["number"] == number
            assert value["share"] == round(number / all_of_them, 4)
            assert (value["low"], value["high"]) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_weeks_add_up_to_the_whole_and_a_csv_has_a_line_for_each_value(answered: Path) -> None:
    period = ("--since", "2026-11-01", "--until", "2026-11-30")
    weeks = json.loads(run(answered, "report", "--json", "--by", "week", *period).stdout)["surveys"]
    assert sum(each["answered"] for each in weeks) == 200
    assert [each["first"] for each in weeks] == ["2026-11-02", "2026-11-09", "2026-11-16", "2026-11-23"]
    rows = list(csv.DictReader(io.StringIO(run(answered, "report", "--csv", "--survey", "after_chat", *period).stdout)))
    assert Counter(row["question"] for row in rows) == {"helpful": 7, "again": 11, "why": 2, "comment": 1}
    assert {row["survey"] for row in rows} == {"after_chat"}


def test_a_table_has_a_line_for_each_question(answered: Path) -> None:
    said = run(answered, "report", "--since", "2026-11-01", "--until", "2026-11-30").stdout
    assert "after_chat, 2026-11-01 to 2026-11-30: 200 answered" in said
    assert "How helpful?" in said
