"""`ece-widget report`: what the history counted, for people, spreadsheets and programs."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from tests.store.test_schema import engine
from widget.cli import main
from widget.commands.init import starter
from widget.domain.history import Batch, Bucket, Counts, Process, Span, Spread, start_of
from widget.store.history import HistoryStore
from widget.store.outbox import open_outbox

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 9, tzinfo=BERLIN)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "ece-widget.toml"
    hours = '[entry_points.sales.hours]\ntimezone = "Europe/Berlin"\nmonday = ["09:00-17:00"]\n'
    file.write_text(starter() + f"\n{hours}[history]\nenabled = true\n")
    return file


@pytest.fixture(autouse=True)
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/outbox.db"
    monkeypatch.setenv("ECE_WIDGET_STORAGE__URL", url)
    return url


def keep(url: str, *hours: tuple[datetime, str, int]) -> None:
    """Keep clicks of some hours, half of them in vain."""
    rows: dict[tuple[Span, str, datetime], Counts] = {}
    for at, name, clicks in hours:
        zone = BERLIN if name == "sales" else UTC
        one = Counts({("clicks", "opened"): clicks, ("clicks", "wait_too_long"): clicks}, Spread(2, 300, 100, 200))
        one.add("answers", "available", 3 * clicks)
        one.add("answers", "outside_hours", clicks)
        for span in Span:
            rows.setdefault((span, name, start_of(span, at, zone)), Counts()).merge(one)
    process = Process("one", "serve", "host", 1, "1.0", MONDAY, MONDAY)
    batch = Batch(process, 1, [(span, Bucket(name, start, counts)) for (span, name, start), counts in rows.items()])

    async def write() -> None:
        outbox = await open_outbox(url, now=lambda: MONDAY)
        store = HistoryStore(url)
        await store.write(batch)
        await store.close()
        await outbox.close()

    asyncio.run(write())


def report(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments, "--config", str(config)])


def test_a_period_is_reported_for_each_entry_point_with_the_reasons_for_clicks_in_vain(config: Path, url: str) -> None:
    keep(url, (MONDAY, "sales", 4), (MONDAY + timedelta(days=1), "sales", 6), (MONDAY, "closed-long-ago", 1))
    result = report(config, "--since", "2026-11-23", "--until", "2026-11-24")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert " ".join(lines[1].split()) == "whole time closed-long-ago 4 75% 2 1 0 0 0 0 100 / 150 / 200 s"
    assert lines[2].split()[:7] == ["whole", "time", "sales", "40", "75%", "20", "10"]
    assert lines[-2].startswith("From 2026-11-23 to before 2026-11-25. Shown:")
    assert lines[-1] == "Clicks in vain by reason: wait_too_long 11."


def test_days_are_those_of_the_entry_points_zone(config: Path, url: str) -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=BERLIN)
    keep(url, (late, "sales", 5), (late + timedelta(hours=1), "sales", 7))
    found = json.loads(report(config, "--since", "2026-11-23", "--until", "2026-11-30", "--by", "day", "--json").stdout)
    assert [(each["first"], each["clicks"]["opened"]) for each in found["history"]] == [
        ("2026-11-23", 5),
        ("2026-11-24", 7),
    ]
    only = json.loads(report(config, "--since", "2026-11-24", "--until", "2026-11-24", "--json").stdout)
    assert [each["clicks"]["opened"] for each in only["history"]] == [7]
    edge = json.loads(report(config, "--since", "2026-11-23T23:00+01:00", "--until", "2026-11-24", "--json").stdout)
    assert [each["clicks"]["opened"] for each in edge["history"]] == [12]


@pytest.mark.parametrize(
    ("by", "firsts"), [("week", ["2026-11-23", "2026-11-30"]), ("month", ["2026-11-01", "2026-12-01"])]
)
def test_weeks_begin_on_monday_and_months_on_the_first(config: Path, url: str, by: str, firsts: list[str]) -> None:
    keep(url, *((MONDAY + timedelta(days=at), "sales", 1) for at in range(14)))
    found = json.loads(report(config, "--since", "2026-11-01", "--until", "2026-12-31", "--by", by, "--json").stdout)
    assert [each["first"] for each in found["history"]] == firsts
    assert sum(each["clicks"]["opened"] for each in found["history"]) == 14
    (first, *_) = found["history"]
    assert first["wait"] == {"lowest": 100, "mean": 150.0, "highest": 200}
    assert first["queueDepth"] == {"lowest": None, "mean": None, "highest": None}


def test_csv_has_every_count_and_no_formula(config: Path, url: str) -> None:
    keep(url, (MONDAY, "sales", 4))
    result = report(config, "--since", "2026-11-01", "--until", "2026-12-01", "--by", "day", "--csv", "--bom")
    assert result.stdout.startswith("\ufeff")
    ((row),) = csv.DictReader(io.StringIO(result.stdout.removeprefix("\ufeff")))
    assert (row["entryPoint"], row["first"], row["last"]) == ("sales", "2026-11-23", "2026-11-23")
    assert (row["clicks_opened"], row["clicks_wait_too_long"], row["answers_outside_hours"]) == ("4", "4", "4")
    assert (row["surveys_sent"], row["wait_mean"], row["queueDepth_lowest"]) == ("0", "150.0", "")


def test_one_entry_point_can_be_named_also_one_that_is_gone(config: Path, url: str) -> None:
    keep(url, (MONDAY, "sales", 4), (MONDAY, "gone", 1))
    found = json.loads(report(config, "--since", "2026-11-01", "--entry-point", "gone", "--json").stdout)
    assert [each["entryPoint"] for each in found["history"]] == ["gone"]


def test_nothing_counted_is_said_and_no_database_is_refused_in_words(config: Path, url: str, tmp_path: Path) -> None:
    missing = report(config)
    assert missing.exit_code == 1
    assert "There is no outbox yet" in missing.output
    keep(url)
    result = report(config)
    assert (result.exit_code, result.output) == (0, "Nothing was counted in this time.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "2026-11-24", "--until", "2026-11-23"),
        ("--since", "yesterday"),
        ("--until", "2026-02-30"),
        ("--by", "year"),
        ("--csv", "--json"),
        ("--bom",),
    ],
)
def test_wrong_usage_is_told_and_changes_nothing(config: Path, arguments: tuple[str, ...]) -> None:
    result = report(config, *arguments)
    assert result.exit_code == 2
    assert "Error" in result.output


def test_the_database_of_an_older_release_is_brought_up_to_date(config: Path, url: str) -> None:
    keep(url)
    tables = ("changes", "counts", "processes", "switches", "questions", "answer_totals")

    maker = engine(url)
    with maker.begin() as connection:
        for table in tables:
            connection.execute(text(f"DROP TABLE ece_widget_{table}"))
        connection.execute(text("DROP INDEX ece_widget_outbox_survey"))
        for column in ("language", "wait_time", "queue_depth"):
            connection.execute(text(f"ALTER TABLE ece_widget_outbox DROP COLUMN {column}"))
        connection.execute(text("UPDATE ece_widget_version SET version_num = '0002'"))
    maker.dispose()
    assert report(config).output == "Nothing was counted in this time.\n"
    keep(url, (MONDAY, "sales", 4))
    assert "sales" in report(config, "--since", "2026-11-01").output
