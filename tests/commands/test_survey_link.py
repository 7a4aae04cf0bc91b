"""`ece-widget survey-link`: an address that the server takes, and clear refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from widget.cli import main

_SETTINGS = """
[server]
public_url = "https://chat.example.com"
[security]
secret_keys = ["a-secret-for-tests-that-is-long-enough"]
[ece]
base_url = "https://ece.example.com/system"
[entry_points.sales]
id = 1001
chat_url = "https://ece.example.com/chat?ticket={ticket}"
survey = "after_chat"
[entry_points.bare]
id = 1002
chat_url = "https://ece.example.com/chat"
[surveys.after_chat]
title = "How did we do?"
[[surveys.after_chat.questions]]
id = "helpful"
kind = "rating"
text = "How helpful was the agent?"
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "ece-widget.toml"
    file.write_text(_SETTINGS)
    return str(file)


def test_an_address_is_printed_alone(config: str) -> None:
    result = CliRunner().invoke(main, ["survey-link", "10042_abc", "--entry-point", "sales", "--config", config])
    assert result.exit_code == 0
    assert result.stdout.startswith("https://chat.example.com/survey/")
    assert result.stdout.count("\n") == 1
    assert "10042_abc" not in result.stdout


def test_the_session_id_may_come_by_standard_input(config: str) -> None:
    arguments = ["survey-link", "-", "--entry-point", "bare", "--survey", "after_chat", "--config", config]
    result = CliRunner().invoke(main, arguments, input="10042_abc\r\n")
    assert result.exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["10042_abc", "--entry-point", "nowhere"],
        ["10042_abc", "--entry-point", "bare"],
        ["10042_abc", "--entry-point", "sales", "--survey", "nothing"],
        ["x" * 257, "--entry-point", "sales"],
        ["", "--entry-point", "sales"],
        ["10042_abc"],
    ],
)
def test_what_cannot_be_signed_is_wrong_usage(config: str, arguments: list[str]) -> None:
    result = CliRunner().invoke(main, ["survey-link", *arguments, "--config", config])
    assert result.exit_code == 2
    assert "Error" in result.stderr
