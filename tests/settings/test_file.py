"""The settings file itself: found, read, refused in one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from widget import settings

FIVE_LINES = """
server.public_url = "http://127.0.0.1:8000"
security.secret_keys = ["a-secret-for-tests-that-is-long-enough"]
ece.base_url = "http://127.0.0.1:8100/system"
entry_points.sales.id = 1001
entry_points.sales.chat_url = "http://127.0.0.1:8100/chat?entryPointId={id}"
"""


def test_a_settings_file_of_five_lines_is_enough(tmp_path: Path) -> None:
    (tmp_path / "ece-widget.toml").write_text(FIVE_LINES)
    assert settings.load(tmp_path / "ece-widget.toml", {}).entry_points["sales"].id == 1001


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(FIVE_LINES, encoding="utf-8-sig")
    settings.load(tmp_path / "s.toml", {})


def test_the_file_is_named_by_the_environment_or_lies_here() -> None:
    assert settings.default_file({}) == Path("ece-widget.toml")
    assert settings.default_file({"ECE_WIDGET_CONFIG": "/etc/w.toml"}) == Path("/etc/w.toml")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist; `ece-widget init` writes a starter"),
        (b"server = ", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (b"x = " + b"[" * 100_000, "is not TOML"),
        ("folder", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_fault(tmp_path: Path, content: bytes | str | None, said: str) -> None:
    file = tmp_path / "ece-widget.toml"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content == "folder":
        file.mkdir()
    with pytest.raises(settings.SettingsFaults) as caught:
        settings.load(file, {})
    assert str(caught.value).startswith(f"{file}: 1 fault\n  the file: {said}")
