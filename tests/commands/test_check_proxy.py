"""`check` through a real proxy: each way in which it fails is told in words, and its password never."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.commands.test_check import BODIES, running
from tests.forward_proxy import ForwardProxy, forward_proxy
from widget.cli import main
from widget.commands.init import starter

SECRETS = ("hunter2", "us%65r", base64.b64encode(b"user:hunter2").decode())


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "ece-widget.toml"
    file.write_text(starter().replace("http://127.0.0.1:8100", "http://ece.invalid"))
    return file


def check(config: Path, proxy: str, *arguments: str, **environ: str) -> Result:
    environ = {"ECE_WIDGET_ECE__PROXY": f"http://us%65r:hunter2@{proxy}", **environ}
    result = CliRunner().invoke(main, ["check", "--config", str(config), *arguments], env=environ)
    assert not any(secret in result.output for secret in SECRETS), result.output
    return result


def with_mode(config: Path, mode: str, **environ: str) -> Result:
    environ["ECE_WIDGET_ECE__TIMEOUT"] = "0.4" if mode == "hangs" else "30"
    with forward_proxy({}) as proxy:
        proxy.mode = mode
        check(config, proxy.netloc, "--json", **environ)
        return check(config, proxy.netloc, **environ)


def test_all_is_well_through_a_proxy(config: Path) -> None:
    with running() as port, forward_proxy({"ece.invalid": port}) as proxy:
        result = check(config, proxy.netloc)
        assert result.exit_code == 0, result.output
        assert len(proxy.asked) == len(BODIES)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("407", ["through the proxy: the proxy answers 407", "`proxy` in [ece] with a user and a password", "%40"]),
        ("403", ["answers 403", "let this machine through in the proxy"]),
        ("502", ["through the proxy: 502", "proxy's log", "`proxy` in [ece]", "whether ECE runs"]),
        ("hangs", ["through the proxy: no whole answer within 0.4 s", "proxy's log"]),
        ("hangs-up", ["through the proxy: the connection broke", "proxy's log"]),
    ],
)
def test_each_fault_of_a_proxy_is_told_in_words(config: Path, mode: str, words: list[str]) -> None:
    result = with_mode(config, mode)
    assert result.exit_code == 1
    assert result.output.count("Wrong: ") == 1, "one cause is one finding"
    assert [word for word in words if word not in result.output] == []


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("407", ["the proxy answers 407", "a user and a password"]),
        ("403", ["through the proxy: the proxy answers 403", "lets this machine through to ECE"]),
        ("hangs", ["through the proxy: no whole answer within 0.4 s", "proxy's log"]),
    ],
)
def test_each_fault_of_a_tunnel_is_told_in_words(config: Path, mode: str, words: list[str]) -> None:
    result = with_mode(config, mode, ECE_WIDGET_ECE__BASE_URL="https://ece.invalid/system")
    assert result.exit_code == 1
    assert [word for word in words if word not in result.output] == []


def test_a_proxy_that_is_not_there_is_told_in_words(config: Path) -> None:
    gone = ForwardProxy()
    with forward_proxy({}) as proxy:
        gone.port = proxy.port
    result = check(config, gone.netloc)
    assert result.exit_code == 1
    assert "no connection to ece.invalid through the proxy: no connection to the proxy" in result.output
    assert "Check `proxy` in [ece]" in result.output


def test_a_proxy_with_a_fault_in_its_address_is_named_without_its_password(config: Path) -> None:
    for address in ("proxy.example.com/path", "proxy.example.com:99999"):
        result = check(config, address)
        assert result.exit_code == 2
        assert "ece.proxy" in result.output
