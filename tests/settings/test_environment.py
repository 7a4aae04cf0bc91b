"""The environment over the file: every value, secrets from files, and nothing unknown."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from widget import settings

TODAY = date(2026, 11, 24)

Table = dict[str, Any]


def refused(table: Table, environ: dict[str, str], directory: Path | None = None) -> str:
    with pytest.raises(settings.SettingsFaults) as caught:
        settings.parse(table, environ=environ, directory=directory)
    return str(caught.value)


@pytest.mark.parametrize(
    ("variable", "text", "place", "value"),
    [
        ("SERVER__PUBLIC_URL", "https://other.example.com", "server.public_url", "https://other.example.com"),
        ("SERVER__ALLOWED_ORIGINS", "https://a.example.com, https://b.example.com", "server.allowed_origins", 2),
        ("SERVER__ALLOWED_ORIGINS", '["https://a.example.com"]', "server.allowed_origins", 1),
        ("SERVER__ALLOWED_ORIGINS", "", "server.allowed_origins", 0),
        ("SERVER__METRICS_LISTEN", "[::1]:9100", "server.metrics_listen", "[::1]:9100"),
        (
            "SECURITY__OPERATOR_TOKENS",
            "token-number-one-x,token-number-two-x,token-number-three",
            "security.operator_tokens",
            3,
        ),
        ("SECURITY__TICKET_LIFETIME", "3600", "security.ticket_lifetime", 3600),
        ("ECE__TIMEOUT", "0.5", "ece.timeout", 0.5),
        ("ECE__MAX_CONNECTIONS", "7", "ece.max_connections", 7),
        ("ENTRY_POINTS__SALES__ID", "77", "entry_points.sales.id", 77),
        ("ENTRY_POINTS__SALES__ENABLED", "false", "entry_points.sales.enabled", False),
        ("ENTRY_POINTS__SALES__SHOW_WAIT", "1", "entry_points.sales.show_wait", True),
        ("ENTRY_POINTS__SALES__CHECKS", "capacity", "entry_points.sales.checks", 1),
        ("ENTRY_POINTS__SALES__LOCALES__DE", "de-DE", "entry_points.sales.locales.de", "de-DE"),
        ("ENTRY_POINTS__SALES__LOCALES", '{"de": "de-DE"}', "entry_points.sales.locales.de", "de-DE"),
        ("ENTRY_POINTS__SALES__HOURS__MONDAY", "09:00-12:00,13:00-18:00", "entry_points.sales.hours.monday", 2),
        (
            "ENTRY_POINTS__SALES__HOURS__SPECIAL",
            '{"2026-12-24": ["09:00-12:00"]}',
            "entry_points.sales.hours.special",
            1,
        ),
        ("ENTRY_POINTS__SALES__HOURS__SPECIAL__20261224", "09:00-12:00", "entry_points.sales.hours.special", 1),
        ("ENTRY_POINTS__SALES__MAX_WAIT", "", "entry_points.sales.max_wait", None),
        ("ENTRY_POINTS__TRADE_FAIR__ENABLED", "false", "entry_points.trade-fair.enabled", False),
        ("DELIVERY__CONCURRENCY", "9", "delivery.concurrency", 9),
        ("LIMITS__PUBLIC", "100/second", "limits.public", "100/second"),
        ("SHARED__URL", "redis://127.0.0.1/0", "shared.url", "redis://127.0.0.1/0"),
        ("SHARED__URL", "", "shared", None),
    ],
)
def test_every_value_can_come_from_the_environment(
    table: Table, variable: str, text: str, place: str, value: Any
) -> None:
    table["entry_points"]["sales"] |= {"max_wait": "10m", "hours": {"timezone": "Europe/Berlin"}}
    table["entry_points"]["trade-fair"] = {"id": 2, "chat_url": "https://ece.example.com/"}
    node: Any = settings.parse(table, environ={f"ECE_WIDGET_{variable}": text})
    for part in place.split("."):
        node = node[part] if isinstance(node, dict) else getattr(node, part)
    if hasattr(node, "get_secret_value"):
        node = node.get_secret_value()
    assert (len(node) if isinstance(node, tuple | dict) else node) == value


def test_a_question_of_a_survey_can_be_changed_by_its_place(table: Table) -> None:
    table["surveys"] = {"after": {"title": "T", "questions": [{"id": "q", "kind": "text", "text": "Old"}]}}
    table["entry_points"]["sales"]["survey"] = "after"
    environ = {"ECE_WIDGET_SURVEYS__AFTER__QUESTIONS__0__ID": "changed"}
    assert settings.parse(table, environ=environ).surveys["after"].questions[0].id == "changed"
    assert "names no entry of this list" in refused(table, {"ECE_WIDGET_SURVEYS__AFTER__QUESTIONS__5__ID": "x"})


@pytest.mark.parametrize(
    "variable",
    ["ECE_WIDGET_SERVER__PUBLIK_URL", "ECE_WIDGET_SERVR__PUBLIC_URL", "ECE_WIDGET_PORT", "ECE_WIDGET_SERVER____X"],
)
def test_an_unknown_variable_is_a_fault_that_names_it(table: Table, variable: str) -> None:
    message = refused(table, {variable: "x"})
    assert variable in message
    assert "is not a setting" in message


def test_the_variable_that_names_the_file_is_no_setting(table: Table) -> None:
    settings.parse(table, environ={"ECE_WIDGET_CONFIG": "/etc/ece-widget.toml", "PATH": "/bin"})


def test_a_bad_value_names_the_variable_it_came_from(table: Table) -> None:
    message = refused(table, {"ECE_WIDGET_ENTRY_POINTS__SALES__ID": "many"})
    assert (
        'entry_points.sales.id (from ECE_WIDGET_ENTRY_POINTS__SALES__ID) = "many":'
        " a whole number from 1 to 9223372036854775807"
    ) in message


@pytest.mark.parametrize(
    ("variable", "read"),
    [
        ("SECURITY__SECRET_KEYS", lambda s: [k.get_secret_value() for k in s.security.secret_keys]),
        ("SECURITY__OPERATOR_TOKENS", lambda s: [k.get_secret_value() for k in s.security.operator_tokens]),
    ],
)
def test_secrets_come_from_a_file_one_a_line(table: Table, tmp_path: Path, variable: str, read: Any) -> None:
    (tmp_path / "secrets").write_text("first secret, long\n\nsecond, with a comma\n")
    found = settings.parse(table, environ={f"ECE_WIDGET_{variable}_FILE": "secrets"}, directory=tmp_path)
    assert read(found) == ["first secret, long", "second, with a comma"]


def test_a_secret_is_the_same_from_a_file_with_a_mark_from_a_variable_and_from_the_settings(
    table: Table, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("\ufeff the-operator-token \r\n", encoding="utf-8")
    table["security"]["secret_keys"] = [" the-operator-token\t"]
    environ = {"ECE_WIDGET_SECURITY__OPERATOR_TOKENS_FILE": "token"}
    found = settings.parse(table, environ=environ, directory=tmp_path).security
    assert [key.get_secret_value() for key in (*found.secret_keys, *found.operator_tokens)] == [
        "the-operator-token"
    ] * 2
    found = settings.parse(table, environ={"ECE_WIDGET_SECURITY__OPERATOR_TOKENS": '[" the-operator-token "]'}).security
    assert [key.get_secret_value() for key in found.operator_tokens] == ["the-operator-token"]


def test_a_secret_file_in_utf_16_is_a_fault_that_says_what_to_do(table: Table, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("the-operator-token", encoding="utf-16")
    message = refused(table, {"ECE_WIDGET_SECURITY__OPERATOR_TOKENS_FILE": str(tmp_path / "token")})
    assert "save it as UTF-8" in message
    assert "1 fault\n" in message


@pytest.mark.parametrize("section", ["storage", "shared"])
def test_the_addresses_with_passwords_come_from_a_file(table: Table, tmp_path: Path, section: str) -> None:
    url = {"storage": "postgresql://user:pw@host/db", "shared": "rediss://:pw@host:6380/1"}[section]
    (tmp_path / "url").write_text(url + "\n")
    environ = {f"ECE_WIDGET_{section.upper()}__URL_FILE": str(tmp_path / "url")}
    assert getattr(settings.parse(table, environ=environ), section).url.get_secret_value() == url


def test_the_settings_file_may_name_the_files_too(table: Table, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("from-a-file\n")
    table["security"] = {"secret_keys_file": "keys"}
    found = settings.parse(table, directory=tmp_path)
    assert [key.get_secret_value() for key in found.security.secret_keys] == ["from-a-file"]
    table["security"]["secret_keys"] = ["beside"]
    assert "security.secret_keys_file" in refused(table, {}, tmp_path)


@pytest.mark.parametrize("key", ["SECURITY__SECRET_KEYS", "SECURITY__OPERATOR_TOKENS", "STORAGE__URL", "SHARED__URL"])
def test_a_secret_file_that_cannot_be_read_is_one_fault(table: Table, tmp_path: Path, key: str) -> None:
    message = refused(table, {f"ECE_WIDGET_{key}_FILE": str(tmp_path)})
    assert "1 fault\n" in message
    assert "the name of a file that can be read" in message


@pytest.mark.parametrize("key", ["SECURITY__SECRET_KEYS", "SECURITY__OPERATOR_TOKENS", "STORAGE__URL", "SHARED__URL"])
@pytest.mark.parametrize("content", ["", "\ufeff\n \n", "x" * 100_000], ids=["empty", "blank", "large"])
def test_a_secret_file_that_holds_none_is_one_fault_that_names_it(
    table: Table, tmp_path: Path, key: str, content: str
) -> None:
    (tmp_path / "secret").write_text(content, encoding="utf-8")
    message = refused(table, {f"ECE_WIDGET_{key}_FILE": str(tmp_path / "secret")})
    assert "1 fault\n" in message
    assert f'{key}_FILE = "{tmp_path}'[:60] in message  # a long path is told in part
    assert ": the name of a file that holds something, 64 KiB at most" in message


def test_of_a_file_without_an_end_no_more_is_read_than_a_secret_has(table: Table) -> None:
    message = refused(table, {"ECE_WIDGET_SECURITY__OPERATOR_TOKENS_FILE": "/dev/zero"})
    assert "64 KiB at most" in message


def test_a_variable_that_is_no_text_is_told_in_words(table: Table) -> None:
    message = refused(table, {"ECE_WIDGET_ECE__BASE_URL": "http://\udcff"})
    assert "in UTF-8" in message
    assert "raw data" not in message


def test_a_secret_and_its_file_together_are_a_fault(table: Table, tmp_path: Path) -> None:
    environ = {"ECE_WIDGET_STORAGE__URL": "sqlite:///a.db", "ECE_WIDGET_STORAGE__URL_FILE": str(tmp_path / "url")}
    assert "keep one of them" in refused(table, environ)


@pytest.mark.parametrize(
    "environ",
    [
        {"ECE_WIDGET_SECURITY__SECRET_KEYS": '["hunter2'},
        {"ECE_WIDGET_SECURITY__SECRET_KEYS": '[1, "hunter2"]'},
        {"ECE_WIDGET_SECURITY__OPERATOR_TOKENS": '{"a": "hunter2"}'},
        {"ECE_WIDGET_STORAGE__URL": "mysql://user:hunter2@host/db"},
        {"ECE_WIDGET_SHARED__URL": "http://:hunter2@host"},
        {"ECE_WIDGET_SHARED": "redis://:hunter2@host"},
        {"ECE_WIDGET_ECE__PROXY": "ftp://user:hunter2@proxy"},
        {"ECE_WIDGET_ECE__BASE_URL": "https://user:hunter2@host/system"},
        {"ECE_WIDGET_ECE__BASE_URL": "https://user:pa/hunter2@host/system"},
        {"ECE_WIDGET_ECE__BASE_URL": "https://user:12/hunter2@host/system"},
        {"ECE_WIDGET_ECE__BASE_URL": 'https://user:"hunter2 @host/system'},
        {"ECE_WIDGET_ECE__BASE_URL": "https:/user:hunter2@host/system"},
        {"ECE_WIDGET_ENTRY_POINTS__SALES__CHAT_URL": "https://u:p@hunter2@host/x"},
        {"ECE_WIDGET_SERVER__PUBLIC_URL": "https://u:p\\@hunter2?@host"},
        {"ECE_WIDGET_SERVER__ALLOWED_ORIGINS": '["https://a", "https://u:p@hunter2@host", 1]'},
        {"ECE_WIDGET_SERVER__ALLOWED_ORIGINS": '["https://a", ["https://u:p@hunter2@host"]]'},
    ],
)
def test_no_message_prints_a_secret(table: Table, environ: dict[str, str]) -> None:
    assert "hunter2" not in refused(table, environ)


@pytest.mark.parametrize("section", ["security", "storage", "shared"])
def test_a_secret_written_in_the_place_of_its_section_is_not_printed(table: Table, section: str) -> None:
    table[section] = "hunter2"
    assert "hunter2" not in refused(table, {})


def test_no_repr_prints_a_secret(table: Table) -> None:
    table["security"] = {"secret_keys": ["hunter2-key"], "operator_tokens": ["hunter2-operator-token"]}
    table["storage"]["url"] = "postgresql://u:hunter2@host/db"
    table["shared"] = {"url": "redis://:hunter2@host"}
    table["ece"]["proxy"] = "http://u:hunter2@proxy:3128"
    found = settings.parse(table)
    assert found.ece.proxy == "http://u:hunter2@proxy:3128"
    for each in (found, found.security, found.storage, found.shared, found.ece):
        assert "hunter2" not in f"{each!r}{each}"
    assert "hunter2" not in "".join(settings.warnings(found, today=TODAY))


INJECTED = {  # what Kubernetes gives a container beside the Services ece-widget and ece-widget-admin
    "ECE_WIDGET_PORT": "tcp://10.96.12.7:8000",
    "ECE_WIDGET_PORT_8000_TCP": "tcp://10.96.12.7:8000",
    "ECE_WIDGET_PORT_8000_TCP_ADDR": "10.96.12.7",
    "ECE_WIDGET_PORT_8000_TCP_PORT": "8000",
    "ECE_WIDGET_PORT_8000_TCP_PROTO": "tcp",
    "ECE_WIDGET_SERVICE_HOST": "10.96.12.7",
    "ECE_WIDGET_SERVICE_PORT": "8000",
    "ECE_WIDGET_SERVICE_PORT_HTTP": "8000",
    "ECE_WIDGET_ADMIN_PORT": "udp://10.96.12.8:53",
    "ECE_WIDGET_ADMIN_SERVICE_HOST": "10.96.12.8",
    "ECE_WIDGET_ADMIN_SERVICE_PORT_DNS_TCP": "53",
    "ECE_WIDGET_ADMIN_PORT_53_UDP_ADDR": "10.96.12.8",
}


def test_what_kubernetes_injects_for_a_service_of_our_name_is_passed_over(table: Table) -> None:
    assert settings.parse(table, environ=INJECTED) == settings.parse(table)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("ECE_WIDGET_SERVER_PUBLIC_URL", "ECE_WIDGET_SERVER__PUBLIC_URL"),
        ("ECE_WIDGET_SERVER_PUBLIC_ULR", "ECE_WIDGET_SERVER__PUBLIC_URL"),
        ("ECE_WIDGET_ENTRY_POINTS_SALES_MAX_WAIT", "ECE_WIDGET_ENTRY_POINTS__SALES__MAX_WAIT"),
        ("ECE_WIDGET_ECE_BASE_URL", "ECE_WIDGET_ECE__BASE_URL"),
    ],
)
def test_a_near_miss_of_a_variable_is_a_fault_that_says_what_was_meant(table: Table, variable: str, meant: str) -> None:
    assert f"did you mean {meant}?" in refused(table, {variable: "8000"})


@pytest.mark.parametrize("variable", ["ECE_WIDGET_PORT", "ECE_WIDGET_HOST", "ECE_WIDGET_SERVER__PORT_1_TCP"])
def test_what_only_looks_a_little_like_an_injected_variable_is_a_fault(table: Table, variable: str) -> None:
    assert variable in refused(table, {variable: "8000"}) or variable.lower() in refused(table, {variable: "8000"})
