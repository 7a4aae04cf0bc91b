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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (FIVE_LINES.encode("utf-16"), "is not TOML, which is UTF-8; this looks like UTF-16: save it as UTF-8"),
        (FIVE_LINES.encode("utf-16-le"), "is not TOML, which is UTF-8; this looks like UTF-16: save it as UTF-8"),
        ("# über\n".encode("latin-1"), "is not TOML, which is UTF-8: line 1 has other bytes; save it as UTF-8"),
        (b"[ece]\n[ece]\n", "is not TOML: in line 2 a key or section is written that stands further up already"),
        (b"a = 1\na = 2\n", "is not TOML: in line 2 a key or section is written that stands further up already"),
        (b"a = 1\na.b = 2", "is not TOML: in its last line a key or section is written that stands further up already"),
        (b"a = {b = 1, b = 2}", "is not TOML: in line 1 a key or section is written that stands further up already"),
        (b"a = " + b"9" * 5000, "is not TOML: a number in it has thousands of digits"),
    ],
)
def test_what_is_wrong_with_the_file_is_said_with_what_would_be_right(
    tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "ece-widget.toml"
    file.write_bytes(content)
    with pytest.raises(settings.SettingsFaults) as caught:
        settings.load(file, {})
    assert str(caught.value).startswith(f"{file}: 1 fault\n  the file: {said}")
    assert "codec" not in str(caught.value)


def test_a_number_too_long_to_be_written_is_a_fault_that_names_its_key(tmp_path: Path) -> None:
    file = tmp_path / "ece-widget.toml"
    giant = "0x" + "f" * 6000
    file.write_text(FIVE_LINES.replace("1001", giant) + f"surveys.s.questions = [{{ page = {giant} }}]\n")
    with pytest.raises(settings.SettingsFaults) as caught:
        settings.load(file, {})
    keys = {fault.key: fault.allowed for fault in caught.value.faults}
    words = "a shorter number; this one has hundreds of digits"
    assert keys == dict.fromkeys(["entry_points.sales.id", "surveys.s.questions.0.page"], words)


def test_a_time_of_many_digits_is_an_ordinary_fault(tmp_path: Path) -> None:
    file = tmp_path / "ece-widget.toml"
    file.write_text(FIVE_LINES + f"ece.stale_for = {'9' * 60}\ndelivery.max_age = -{'9' * 60}\n")
    with pytest.raises(settings.SettingsFaults, match="3 faults") as caught:
        settings.load(
            file, {"ECE_WIDGET_ENTRY_POINTS__SALES": f'{{"id": 1, "chat_url": "https://e", "max_wait": {"9" * 400}}}'}
        )
    assert all(fault.allowed.startswith("a time above 0") for fault in caught.value.faults)
