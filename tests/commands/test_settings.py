"""`ece-widget settings`: the reference, what is in force and where it comes from, and no secret's value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from widget.cli import main

CONFIG = """
[server]
public_url = "https://chat.example.com"
[security]
secret_keys = ["hunter2-key-that-is-long-enough-1234"]
operator_tokens_file = "tokens"
[ece]
base_url = "https://ece.example.com/system"
proxy = "http://user:hunter2@proxy.example.com:3128"
[storage]
url = "postgresql://user:hunter2@db.example.com/widget?password=hunter2"
[entry_points.sales]
id = 1001
chat_url = "https://ece.example.com/chat"
max_wait = "10m"
[entry_points.help]
id = 1002
chat_url = "https://ece.example.com/chat"
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ece-widget.toml").write_text(CONFIG)
    (tmp_path / "tokens").write_text("hunter2-operator-token\n")
    return tmp_path


def run(*arguments: str, environ: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, ["settings", *arguments], env=environ or {})


def rows(*arguments: str, environ: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    result = run(*arguments, "--json", environ=environ)
    assert result.exit_code == 0, result.output
    return {row["key"]: row for row in json.loads(result.output)}


def test_each_value_says_where_it_comes_from(here: Path) -> None:
    found = rows(environ={"ECE_WIDGET_SERVER__LOG_LEVEL": "debug", "ECE_WIDGET_ENTRY_POINTS__HELP__MAX_WAIT": "90"})
    expected = {
        "server.public_url": ("https://chat.example.com", "file"),
        "server.log_level": ("debug", "ECE_WIDGET_SERVER__LOG_LEVEL"),
        "ece.timeout": ("2", "default"),
        "storage.retention": ("90d", "default"),
        "entry_points.sales.max_wait": ("600", "file"),
        "entry_points.help.max_wait": ("90", "ECE_WIDGET_ENTRY_POINTS__HELP__MAX_WAIT"),
        "security.operator_tokens": ("(set; not shown)", "file (operator_tokens_file)"),
    }
    assert {key: (found[key]["value"], found[key]["origin"]) for key in expected} == expected
    assert found["ece.timeout"]["default"] == "2"
    assert found["ece.timeout"]["meaning"]


@pytest.mark.parametrize("arguments", [[], ["--json"], ["security"], ["storage.url"]])
def test_no_secret_is_printed(here: Path, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 0
    assert "hunter2" not in result.output
    assert "not shown" in result.output


def test_a_key_gives_itself_and_what_is_below_it(here: Path) -> None:
    assert set(rows("server.public_url")) == {"server.public_url"}
    assert set(rows("entry_points.NAME.id")) == {"entry_points.sales.id", "entry_points.help.id"}
    assert {key.rpartition(".")[0] for key in rows("entry_points.sales")} == {"entry_points.sales"}


def test_an_unknown_key_is_told_what_was_probably_meant(here: Path) -> None:
    result = run("server.publik_url")
    assert result.exit_code == 2
    assert "did you mean server.public_url?" in result.output


def test_without_a_file_the_reference_is_printed_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert rows("limits.tokens")["limits.tokens"]["default"] == "60/minute"
    assert run("--config", "missing.toml").exit_code == 2
