"""What `serve` refuses before it serves, each with one clear line."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from widget.cli import main
from widget.commands.init import starter


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "ece-widget.toml"
    file.write_text(starter())
    return file


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def serve(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["serve", "--config", str(config), *arguments])


def test_a_taken_port_is_one_line_that_names_it(config: Path, taken: int) -> None:
    result = serve(config, "--port", str(taken))
    assert result.exit_code == 1
    assert result.output.startswith(f"Port {taken} on 127.0.0.1 is taken")
    assert result.output.count("\n") == 1


def test_a_taken_port_for_metrics_is_named_by_its_setting(
    config: Path, taken: int, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECE_WIDGET_SERVER__METRICS_LISTEN", f"127.0.0.1:{taken}")
    result = serve(config, "--port", str(unused_port))
    assert result.exit_code == 1
    assert f"Port {taken} on 127.0.0.1 is taken" in result.output
    assert "metrics_listen in [server]" in result.output


def test_an_address_of_another_machine_is_one_line(config: Path) -> None:
    result = serve(config, "--host", "192.0.2.1")
    assert result.exit_code == 1
    assert result.output.startswith("Cannot listen on 192.0.2.1, port 8000: ")
    assert result.output.count("\n") == 1


def test_settings_faults_leave_with_2_and_are_told_together(config: Path) -> None:
    config.write_text("[server]\npublic_url = 1\n")
    result = serve(config)
    assert result.exit_code == 2
    assert "server.public_url = 1: a text" in result.output
    assert "security.secret_keys: is required" in result.output or "security: is required" in result.output


def test_a_missing_settings_file_points_to_init(tmp_path: Path) -> None:
    result = serve(tmp_path / "none.toml")
    assert result.exit_code == 2
    assert "`ece-widget init` writes a starter" in result.output


def test_reload_and_workers_exclude_each_other(config: Path) -> None:
    assert serve(config, "--reload", "--workers", "2").exit_code == 2


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
