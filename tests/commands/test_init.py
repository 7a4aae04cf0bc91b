"""The starter: commented, safe, working, and never over somebody's file."""

from __future__ import annotations

import re
import resource
import stat
import tomllib
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from widget import settings
from widget.cli import main
from widget.commands.init import starter

TODAY = date(2026, 11, 24)


def init(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["init", *arguments])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_writes_settings_that_work_and_only_the_owner_can_read(here: Path) -> None:
    result = init()
    file = here / "ece-widget.toml"
    assert result.exit_code == 0, result.output
    assert "ece-widget check" in result.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = settings.load(file, {})
    assert list(found.entry_points) == ["sales"]
    assert settings.warnings(found, today=TODAY) == []


def test_each_starter_has_a_secret_of_its_own() -> None:
    secrets = {tomllib.loads(starter())["security"]["secret_keys"][0] for _ in range(20)}
    assert len(secrets) == 20
    assert all(len(secret) >= 64 for secret in secrets)


def test_it_never_overwrites(here: Path) -> None:
    (here / "ece-widget.toml").write_text("mine")
    result = init()
    assert result.exit_code == 1
    assert result.output == "ece-widget.toml is there already; nothing was written\n"
    assert (here / "ece-widget.toml").read_text() == "mine"


def test_a_disk_that_is_full_leaves_no_empty_file_in_the_way(here: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        result = init()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (result.exit_code, result.output) == (1, "ece-widget.toml cannot be written: File too large\n")
    assert list(here.iterdir()) == []
    assert init().exit_code == 0


def test_it_follows_no_link_to_another_file(here: Path) -> None:
    (here / "ece-widget.toml").symlink_to(here / "elsewhere")
    assert init().exit_code == 1
    assert not (here / "elsewhere").exists()


def test_a_folder_that_is_not_there_is_one_line(here: Path) -> None:
    result = init("--config", "no/such/folder/w.toml")
    assert result.exit_code == 1
    assert result.output == "no/such/folder/w.toml cannot be written: No such file or directory\n"


def test_the_file_can_be_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert init("--config", "other.toml").exit_code == 0
    monkeypatch.setenv("ECE_WIDGET_CONFIG", "third.toml")
    assert init().exit_code == 0
    assert {each.name for each in here.iterdir()} == {"other.toml", "third.toml"}


def test_what_the_starter_has_switched_off_works_too(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    everything = re.sub(r"^#(?=\S)", "", starter(), flags=re.MULTILINE)
    table = tomllib.loads(everything)
    del table["ece"]["ca_file"]
    assert settings.parse(table, directory=tmp_path).entry_points["sales"].hours is not None
