"""What an operator's shell may do to a command's streams: a full disk, an old encoding, nothing there at all."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from widget.commands.init import starter
from widget.domain.outbox import Answer, OutboxMessage
from widget.store.outbox import open_outbox

FULL = "Standard output cannot be written: No space left on device.\n"
CLOSED = "Standard output cannot be written: Bad file descriptor.\n"
PRINTING = [
    ["surveys", "list"],
    ["surveys", "list", "--json"],
    ["surveys", "show", "1"],
    ["surveys", "export"],
    ["surveys", "export", "--format", "jsonl", "--output", "-"],
    ["snippet", "sales"],
    ["theme", "check"],
    ["check", "--json"],
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with settings, where nothing listens as ECE, and an outbox with one survey."""
    chosen = starter().replace(":8100/", ":1/") + '\n[storage]\nurl = "sqlite:///outbox.db"\n'
    (tmp_path / "ece-widget.toml").write_text(chosen)
    asyncio.run(_one_survey(f"sqlite:///{tmp_path}/outbox.db"))
    return tmp_path


async def _one_survey(url: str) -> None:
    outbox = await open_outbox(url, now=lambda: datetime.now(UTC))
    answers = (Answer("comment", "Anything else?", "Grüße → 😀"),)
    await outbox.enqueue(OutboxMessage("key-1", "sid-1", "sales", "after_chat", answers))
    await outbox.close()


def run(folder: Path, arguments: Sequence[str], redirection: str = "", **environ: str) -> tuple[int, bytes, str]:
    """Run a command as a shell does; gives exit code, standard output and standard error."""
    line = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "widget", *arguments]
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        line,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": root, "PYTHONWARNINGS": "", **environ},
        capture_output=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk at hand")
@pytest.mark.parametrize("arguments", [*PRINTING, ["--help"]], ids=" ".join)
def test_an_output_on_a_full_disk_is_one_sentence(folder: Path, arguments: list[str]) -> None:
    assert run(folder, arguments, ">/dev/full", PYTHONUNBUFFERED="") == (1, b"", FULL)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk at hand")
def test_an_output_without_a_buffer_is_told_too(folder: Path) -> None:
    assert run(folder, ["snippet", "sales"], ">/dev/full", PYTHONUNBUFFERED="1") == (1, b"", FULL)


@pytest.mark.parametrize("arguments", [["surveys", "list"], ["surveys", "export"], ["check"]], ids=" ".join)
def test_a_closed_output_is_one_sentence(folder: Path, arguments: list[str]) -> None:
    assert run(folder, arguments, ">&-") == (1, b"", CLOSED)


def test_all_streams_closed_still_give_the_exit_code(folder: Path) -> None:
    assert run(folder, ["surveys", "purge", "--sid", "sid-1"], "<&- 2>&-") == (0, b"1 survey purged.\n", "")
    assert run(folder, ["surveys", "list"], "<&- >&- 2>&-") == (1, b"", "")


@pytest.mark.parametrize(
    "arguments", [["survey-link", "-", "--entry-point", "sales"], ["surveys", "purge", "--sid", "-"]], ids=" ".join
)
def test_a_closed_input_is_an_empty_one(folder: Path, arguments: list[str]) -> None:
    if arguments[0] == "survey-link":
        settings = (folder / "ece-widget.toml").read_text()
        survey = '[surveys.s]\ntitle = "T"\nquestions = [{ id = "q", kind = "text", text = "Q" }]\n'
        settings = settings.replace("[entry_points.sales]", '[entry_points.sales]\nsurvey = "s"')
        (folder / "ece-widget.toml").write_text(settings + survey)
    code, output, words = run(folder, arguments, "<&-")
    assert (code, output) == (2, b"")
    assert "1 to 256 printable characters" in words
    assert "Traceback" not in words


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_of_an_old_encoding_has_the_same_in_other_signs(folder: Path, encoding: str) -> None:
    code, output, words = run(folder, ["check"], PYTHONIOENCODING=encoding)
    assert (code, words) == (1, "")
    assert "  -> " in output.decode("ascii")
    code, output, words = run(folder, ["surveys", "show", "1", "--json"], PYTHONIOENCODING=encoding)
    assert (code, words) == (0, "")
    assert b"Gr\\u00fc\\u00dfe \\u2192 \\ud83d\\ude00" in output
    assert "Grüße → 😀" in run(folder, ["surveys", "export"], PYTHONIOENCODING=encoding)[1].decode("utf-8")


def test_an_output_of_utf_8_has_the_signs_themselves(folder: Path) -> None:
    assert "Grüße → 😀" in run(folder, ["surveys", "show", "1"], PYTHONIOENCODING="utf-8")[1].decode("utf-8")


def test_a_reader_that_has_seen_enough_is_no_fault(folder: Path) -> None:
    code, _, words = run(folder, ["surveys", "export"], "| true")
    assert (code, words.replace("1 survey exported.\n", "")) == (0, "")
