"""The operator's commands on the outbox."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import resource
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests import settling
from widget.cli import main
from widget.commands.init import starter
from widget.domain.outbox import Answer, Claim, OutboxMessage, RowKind
from widget.store.outbox import Outbox, open_outbox
from widget.store.sqlite import choose_driver

DEFUSED = {
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\t'=1",
    "＝cmd|' /C calc'!A0": "'＝cmd|' /C calc'!A0",
    " =1": "' =1",
    "\n=1": "'\n'=1",
    "a;=1+1;b": "a;'=1+1;b",
    "a,b, @SUM(A1)": "a,b,' @SUM(A1)",
    'two\n-lines "with; =1"': "two\n'-lines \"with;' =1\"",
}
FORMULAS = [*DEFUSED]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "ece-widget.toml"
    file.write_text(starter())
    return file


@pytest.fixture(autouse=True)
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/outbox.db"
    monkeypatch.setenv("ECE_WIDGET_STORAGE__URL", url)
    return url


def surveys(config: Path, *arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["surveys", *arguments, "--config", str(config)], input=typed)


def with_outbox(url: str, work: Callable[[Outbox], Awaitable[None]], *, now: datetime | None = None) -> None:
    async def run() -> None:
        outbox = await open_outbox(url, now=lambda: now or datetime.now(UTC))
        await work(outbox)
        await outbox.close()

    asyncio.run(run())


def accept(url: str, *answers: str, now: datetime | None = None) -> None:
    async def work(outbox: Outbox) -> None:
        for number, answer in enumerate(answers, 1):
            given = (Answer("comment", "Anything else?", answer),)
            await outbox.enqueue(OutboxMessage(f"key-{number}", f"secret-sid-{number}", "sales", "after_chat", given))

    with_outbox(url, work, now=now)


def give_up(url: str, *, now: datetime | None = None) -> None:
    moment = now or datetime.now(UTC)

    async def work(outbox: Outbox) -> None:
        taken = await outbox.claim(Claim(limit=100, owner="x", now=moment, lease=timedelta(seconds=60)))
        for each in taken.messages:
            await outbox.settle(settling.dead(each, now=moment, reason="ece_status 400"))

    with_outbox(url, work)


def test_list_counts_by_state_and_shows_no_session_id(config: Path, url: str) -> None:
    accept(url, "good", "bad")
    result = surveys(config, "list")
    assert result.exit_code == 0
    assert "pending" in result.output
    assert "after_chat" in result.output
    assert "secret-sid" not in result.output
    found = json.loads(surveys(config, "list", "--json").output)
    assert found["counts"] == {"pending": 2, "leased": 0, "delivered": 0, "dead": 0, "purged": 0}
    assert [row["id"] for row in found["rows"]] == [2, 1]
    assert found["rows"][0]["chat"] != found["rows"][1]["chat"]
    assert json.loads(surveys(config, "list", "--json", "--state", "dead").output)["rows"] == []


def test_list_names_rows_whose_destination_is_not_in_the_settings(config: Path, url: str) -> None:
    async def work(outbox: Outbox) -> None:
        message = OutboxMessage("key", "ada@example.com", "sales", "", (), RowKind.MESSAGE, "webhooks.old")
        await outbox.enqueue(message)

    accept(url, "good")
    assert "not in the settings" not in surveys(config, "list").output
    with_outbox(url, work)
    assert "1 row waits for webhooks.old, which is not in the settings." in surveys(config, "list").output
    assert json.loads(surveys(config, "list", "--json").output)["waitingFor"] == {"ece": 1, "webhooks.old": 1}


def test_show_gives_the_answers_and_steers_no_terminal(config: Path, url: str) -> None:
    accept(url, "\x1b[31mred\u202e [bold]")
    shown = surveys(config, "show", "1").output
    assert "\\u001b[31mred\\u202e [bold]" in shown
    assert "\x1b" not in shown
    assert json.loads(surveys(config, "show", "1", "--json").output)["answers"][0]["answer"].startswith("\x1b")
    missing = surveys(config, "show", "99")
    assert (missing.exit_code, missing.output) == (1, "There is no survey number 99.\n")
    assert surveys(config, "show", str(10**20)).exit_code == surveys(config, "retry", str(10**20)).exit_code == 2


def test_retry_sends_dead_ones_again(config: Path, url: str) -> None:
    accept(url, "a", "b", "c")
    give_up(url)
    assert surveys(config, "retry", "1").output == "1 survey will be sent again.\n"
    again = surveys(config, "retry", "1", "2")
    assert again.exit_code == 1
    assert again.output == "1 survey will be sent again.\n1 of the named rows is not dead, or not there.\n"
    assert surveys(config, "retry", "--all").output == "1 survey will be sent again.\n"
    assert surveys(config, "retry", "--all").exit_code == 0
    assert surveys(config, "retry").exit_code == 2


def test_csv_is_not_executed_by_a_spreadsheet_and_otherwise_exact(config: Path, url: str) -> None:
    plain = ['quote " and, comma', "two\nlines", "ä😀", "5-1"]
    accept(url, *FORMULAS, *plain)
    result = surveys(config, "export")
    assert result.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(result.stdout, newline="")))
    assert [row["answer"] for row in rows] == [*DEFUSED.values(), *plain]
    assert "secret-sid" not in result.output


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_is_a_formula_with_the_separator_of_another_country(config: Path, url: str, separator: str) -> None:
    accept(url, *FORMULAS)
    text = surveys(config, "export").stdout
    cells = [cell.lstrip(' \u00a0"') for line in re.split("[\r\n]", text) for cell in line.split(separator)]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "＝"))] == []


def test_json_lines_hold_the_answers_as_they_were_typed(config: Path, url: str, tmp_path: Path) -> None:
    accept(url, *FORMULAS)
    target = tmp_path / "out.jsonl"
    result = surveys(config, "export", "--format", "jsonl", "--output", str(target))
    assert (result.exit_code, result.stderr) == (0, f"{len(FORMULAS)} surveys exported to {target}.\n")
    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [row["answers"][0]["answer"] for row in rows] == FORMULAS
    assert target.stat().st_mode & 0o077 == 0
    again = surveys(config, "export", "--output", str(target))
    assert again.exit_code == 1
    assert "is there already" in again.output


def test_a_hyphen_as_output_is_standard_output(
    config: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(url, "a")
    monkeypatch.chdir(tmp_path)
    result = surveys(config, "export", "--format", "jsonl", "--output", "-")
    assert (result.exit_code, result.stderr) == (0, "1 survey exported.\n")
    assert json.loads(result.stdout)["answers"][0]["answer"] == "a"
    assert not (tmp_path / "-").exists()


def test_an_export_that_finds_no_room_is_one_sentence_and_leaves_no_half_a_file(
    config: Path, url: str, tmp_path: Path
) -> None:
    accept(url, *["x" * 1000] * 200)
    surveys(config, "list")
    target = tmp_path / "out.csv"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        result = surveys(config, "export", "--output", str(target))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (result.exit_code, result.output) == (1, f"{target} cannot be written: File too large\n")
    assert not target.exists()


def test_purge_by_sid_reads_it_from_standard_input_and_forgets_everywhere(
    config: Path, url: str, tmp_path: Path
) -> None:
    accept(url, "canary-one", "canary-two")
    result = surveys(config, "purge", "--sid", "-", typed="secret-sid-1\n")
    assert (result.exit_code, result.output) == (0, "1 survey purged.\n")
    left = b"".join(file.read_bytes() for file in tmp_path.glob("outbox.db*"))
    assert (left.count(b"canary-one"), left.count(b"secret-sid-1")) == (0, 0)
    assert b"canary-two" in left
    assert "canary-one" not in surveys(config, "export").output
    assert surveys(config, "purge", "--sid", "secret-sid-1").output == "0 surveys purged.\n"
    assert "purged" in surveys(config, "show", "1").output


def test_purge_by_age_takes_settled_ones_only(config: Path, url: str) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=40)
    accept(url, "a", now=long_ago)
    give_up(url, now=long_ago)
    accept(url, "a", "still waits", now=long_ago)
    assert surveys(config, "purge", "--older-than", "50d").output == "0 surveys purged.\n"
    assert surveys(config, "purge", "--older-than", "30d").output == "1 survey purged.\n"
    assert json.loads(surveys(config, "list", "--json").output)["counts"]["pending"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["purge"], 2, "Say which"),
        (["purge", "--sid", "x", "--older-than", "1d"], 2, "Say which"),
        (["purge", "--older-than", "soon"], 2, '"30d"'),
        (["purge", "--sid", "a\x00b"], 2, "printable characters"),
        (["purge", "--sid", "x" * 257], 2, "printable characters"),
        (["show", "0"], 2, "not in the range"),
        (["list", "--state", "lost"], 2, "'lost' is not one of"),
        (["export", "--format", "xml"], 2, "'xml' is not one of"),
        (["export", "--output", "/nowhere/x.csv"], 1, "cannot be written"),
    ],
)
def test_every_mistake_gets_one_clear_sentence(
    config: Path, url: str, arguments: list[str], code: int, words: str
) -> None:
    accept(url, "a")
    result = surveys(config, *arguments)
    assert result.exit_code == code
    assert words in result.output
    assert "Traceback" not in result.output


def test_no_outbox_yet_is_one_sentence_and_none_is_made(config: Path, tmp_path: Path) -> None:
    result = surveys(config, "list")
    assert result.exit_code == 1
    assert result.output == (
        f"There is no outbox yet: {tmp_path}/outbox.db does not exist; `ece-widget serve` makes it.\n"
    )
    assert not (tmp_path / "outbox.db").exists()


def test_a_folder_as_the_database_is_one_sentence_that_names_the_setting(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECE_WIDGET_STORAGE__URL", f"sqlite:///{tmp_path}")
    result = surveys(config, "list")
    assert (result.exit_code, result.output) == (
        1,
        f"[storage] url names a folder, {tmp_path}; let it name a file in it.\n",
    )


def test_a_database_that_is_away_is_one_sentence(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECE_WIDGET_STORAGE__URL", "postgresql://somebody:hush@127.0.0.1:1/x")
    result = surveys(config, "list")
    assert result.exit_code == 1
    why = "the database server refuses connections: nothing listens at its address"
    assert result.output == f"The outbox cannot be used now: {why}.\n"


def test_export_takes_a_time_an_entry_point_and_a_survey(config: Path, url: str) -> None:
    for day in (1, 15, 30):
        accept_one(url, f"day-{day}", now=datetime(2026, 11, day, 12, tzinfo=UTC))
    accept_one(url, "support", now=datetime(2026, 11, 15, tzinfo=UTC), entry_point="support", survey="short")

    def exported(*options: str) -> list[str]:
        lines = surveys(config, "export", "--format", "jsonl", *options).stdout.splitlines()
        return [json.loads(line)["answers"][0]["answer"] for line in lines]

    assert exported("--since", "2026-11-15") == ["day-15", "day-30", "support"]
    assert exported("--until", "2026-11-15") == ["day-1", "day-15", "support"], "the whole of that day"
    assert exported("--since", "2026-11-15T12:00+01:00", "--until", "2026-11-15T12:30") == ["day-15"]
    assert exported("--since", "1000d") == ["day-1", "day-15", "day-30", "support"]
    assert exported("--entry-point", "support") == ["support"]
    assert exported("--survey", "after_chat", "--until", "2026-11-10") == ["day-1"]
    assert exported("--survey", "no such") == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--since", "yesterday"], "'yesterday' is no time"),
        (["--since", "2026-13-01"], "'2026-13-01' is no time"),
        (["--until", "2026-11-24T25:00"], "is no time"),
        (["--since", "99999999999d"], "is no time"),
        (["--since", "2026-11-24", "--until", "2026-11-23"], "is not before --until"),
        (["--bom", "--format", "jsonl"], "--bom is for spreadsheets"),
    ],
)
def test_a_mistaken_export_is_one_sentence(config: Path, url: str, options: list[str], words: str) -> None:
    accept(url, "a")
    result = surveys(config, "export", *options)
    assert result.exit_code == 2
    assert words in result.output


def test_a_spreadsheet_knows_utf_8_by_the_mark_at_the_beginning(config: Path, url: str, tmp_path: Path) -> None:
    accept(url, "sehr schön")
    assert surveys(config, "export", "--bom", "--output", str(tmp_path / "x.csv")).exit_code == 0
    written = (tmp_path / "x.csv").read_bytes()
    assert written.startswith(b"\xef\xbb\xbfid,")
    assert written.count(b"\xef\xbb\xbf") == 1
    assert "sehr schön" in written.decode("utf-8-sig")
    assert not surveys(config, "export").stdout.startswith("\ufeff")


def test_a_row_that_cannot_be_read_is_named_by_every_command(config: Path, url: str) -> None:
    accept(url, "good", "bad", "good too")
    break_row(url, 2)
    listed = json.loads(surveys(config, "list", "--json").output)
    (bad,) = [row for row in listed["rows"] if row["id"] == 2]
    assert bad["reason"] == "unreadable: answers is no JSON"
    assert "unreadable: answers" in surveys(config, "list").output
    shown = surveys(config, "show", "2")
    assert shown.exit_code == 0
    assert "This row cannot be read: answers is no JSON." in shown.output
    exported = surveys(config, "export")
    assert (exported.exit_code, "Of these 1 could not be read: 2." in exported.output) == (0, True)
    assert "2,pending" in exported.stdout
    assert "good too" in exported.stdout
    give_up(url)
    purged = surveys(config, "purge", "--row", "2")
    assert (purged.exit_code, purged.output) == (0, "1 survey purged.\nOf these 1 could not be read: 2.\n")
    assert json.loads(surveys(config, "show", "2", "--json").output)["state"] == "purged"


def accept_one(url: str, answer: str, *, now: datetime, entry_point: str = "sales", survey: str = "after_chat") -> None:
    async def work(outbox: Outbox) -> None:
        given = (Answer("comment", "Anything else?", answer),)
        await outbox.enqueue(OutboxMessage(f"key-{answer}", f"sid-{answer}", entry_point, survey, given))

    with_outbox(url, work, now=now)


def break_row(url: str, number: int) -> None:
    connection = choose_driver().connect(url.removeprefix("sqlite:///"))
    connection.execute("UPDATE ece_widget_outbox SET answers = 'no json' WHERE id = ?", (number,))
    connection.commit()
    connection.close()


def test_messages_are_rows_of_the_same_outbox_and_are_purged_by_person(config: Path, url: str) -> None:
    async def work(outbox: Outbox) -> None:
        for number, address in enumerate(("ada@example.com", "eve@example.com"), 1):
            given = (Answer("email", "E-mail", address), Answer("text", "Message", f"canary-{number}"))
            row = OutboxMessage(f"m-{number}", address, "sales", "", given, RowKind.MESSAGE, "webhooks.crm")
            assert await outbox.enqueue(row)

    accept(url, "an answer")
    with_outbox(url, work)
    assert "(message)" in surveys(config, "list").output
    rows = [
        json.loads(line)
        for line in surveys(config, "export", "--format", "jsonl", "--kind", "message").stdout.splitlines()
    ]
    assert [(row["kind"], row["destination"]) for row in rows if "kind" in row] == [("message", "webhooks.crm")] * 2
    assert "ada@" not in surveys(config, "list", "--json", "--kind", "message").output
    assert surveys(config, "purge", "--email", "-", typed=" Ada@Example.COM\n").output == "1 message purged.\n"
    left = surveys(config, "export").output
    assert "canary-1" not in left
    assert "canary-2" in left
    assert "an answer" in left
    assert surveys(config, "purge", "--email", "nobody@example.com").output == "0 messages purged.\n"
