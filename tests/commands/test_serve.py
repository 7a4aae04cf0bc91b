"""What `serve` refuses before it serves, each with one clear line."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.ports import free_port
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


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_for_metrics_that_is_the_servers_own_is_one_line(
    config: Path, unused_port: int, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    own = unused_port - workers + 1  # the last worker's
    monkeypatch.setenv("ECE_WIDGET_SERVER__METRICS_LISTEN", f"127.0.0.1:{own}")
    result = serve(config, "--port", str(unused_port), "--workers", str(workers))
    assert result.exit_code == 1
    assert result.output.startswith(f"Port {unused_port} on 127.0.0.1 is taken")
    assert "metrics_listen in [server]" in result.output
    assert result.output.count("\n") == 1


def test_ports_for_the_workers_metrics_that_there_are_not_are_one_line(
    config: Path, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECE_WIDGET_SERVER__METRICS_LISTEN", "127.0.0.1:65535")
    result = serve(config, "--port", str(unused_port), "--workers", "2")
    assert result.exit_code == 1
    assert result.output == "There is no port 65536; choose another with metrics_listen in [server].\n"


@pytest.mark.parametrize("host", ["192.0.2.1", "nosuchhost.invalid", "a..b", "2001:db8::1"])
def test_a_host_that_cannot_be_listened_on_is_one_line_that_names_its_option(config: Path, host: str) -> None:
    result = serve(config, "--host", host)
    assert result.exit_code == 1
    assert result.output.startswith(f"Cannot listen on {host}, port 8000: ")
    assert result.output.endswith("Choose another with --host.\n")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize("host", ["", " "])
def test_an_empty_host_is_refused_and_not_every_interface(config: Path, host: str) -> None:
    result = serve(config, "--host", host)
    assert result.exit_code == 2
    assert result.output.startswith("--host is empty; ")
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
    return free_port()
