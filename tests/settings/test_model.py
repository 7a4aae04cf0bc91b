"""Each setting of the public contract: its default, what it takes, what it refuses and in which words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from widget import settings
from widget.domain.readings import Call

TODAY = date(2026, 11, 24)

Table = dict[str, Any]


def faults(table: Table, **environ: str) -> dict[str, str]:
    with pytest.raises(settings.SettingsFaults) as caught:
        settings.parse(table, environ=environ)
    return {fault.key: fault.allowed for fault in caught.value.faults}


def put(table: Table, key: str, value: Any) -> Table:
    *path, last = key.split(".")
    for part in path:
        table = table.setdefault(part, {})
    table[last] = value
    return table


def test_what_is_not_written_has_the_contracts_default(tmp_path: Path) -> None:
    found = settings.parse(
        {
            "server": {"public_url": "https://chat.example.com"},
            "security": {"secret_keys": ["a-secret-for-tests-that-is-long-enough"]},
            "ece": {"base_url": "https://ece.example.com/system"},
            "entry_points": {"sales": {"id": 1001, "chat_url": "https://ece.example.com/chat?ep={id}"}},
        },
        directory=tmp_path,
    )
    assert found.server.allowed_origins == ()
    assert found.server.trusted_proxies == ("127.0.0.1",)
    assert (found.server.metrics_listen, found.server.log_level) == ("", "info")
    assert found.security.operator_tokens == ()
    assert (found.security.ticket_lifetime, found.security.survey_lifetime) == (86400, 7 * 86400)
    ece = found.ece
    assert (ece.timeout, ece.max_connections, ece.fresh_for, ece.stale_for) == (2, 20, 5, 60)
    assert (ece.api_path, ece.survey_path, ece.survey_format) == ("/egain/chat/entrypoint", "auto", "auto")
    assert (ece.wait_time_unit, ece.ca_file, ece.client_cert, ece.client_key, ece.proxy) == ("seconds", *[None] * 4)
    sales = found.entry_points["sales"]
    assert sales.checks == (Call.CHAT_ALLOWED, Call.LIVE_SESSION_STATUS)
    assert (sales.enabled, sales.show_wait, sales.show_position) == (True, True, True)
    assert (sales.max_wait, sales.max_queue_depth, sales.min_capacity) == (None, None, None)
    assert (sales.when_unavailable, sales.when_unknown, sales.open_in) == ("hide", "hide", "popup")
    assert (sales.survey, sales.theme, sales.hours, sales.locales) == (None, "default", None, {})
    assert found.storage.url.get_secret_value() == f"sqlite:///{tmp_path}/ece-widget.db"
    assert (found.storage.retention, found.delivery.concurrency, found.delivery.max_age) == (90 * 86400, 4, 7 * 86400)
    assert found.themes.directory == tmp_path / "themes"
    assert (found.limits.public, found.limits.tokens, found.limits.submits) == ("off", "60/minute", "30/minute")
    assert found.shared is None


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("server.public_url", "https://chat.example.com/path", "the origin browsers use"),
        ("server.public_url", "chat.example.com", "the origin browsers use"),
        ("server.public_url", "https://user@chat.example.com", "the origin browsers use"),
        ("server.public_url", "https://chat.example.com:99999", "the origin browsers use"),
        ("server.public_url", 8000, "a text"),
        ("server.allowed_origins", "https://a.example.com", "a list"),
        ("server.allowed_origins", ["https://a.example.com/x"], "an origin without a path"),
        ("server.trusted_proxies", ["proxy"], "an address or a network"),
        ("server.metrics_listen", "9100", "host and port"),
        ("server.metrics_listen", "127.0.0.1:70000", "host and port (1 to 65535)"),
        ("server.metrics_listen", "127.0.0.1:0", "host and port (1 to 65535)"),
        ("server.metrics_listen", "[::1]:00000", "host and port (1 to 65535)"),
        ("server.log_level", "loud", 'one of "debug", "info", "warning", "error"'),
        ("security.secret_keys", [], "at least one entry"),
        ("security.secret_keys", ["  "], "a secret text that is not empty"),
        ("security.ticket_lifetime", "0", "a time above 0"),
        ("security.ticket_lifetime", -5, "a time above 0"),
        ("security.ticket_lifetime", float("nan"), "a time above 0"),
        ("security.ticket_lifetime", "1 fortnight", "a time above 0"),
        ("ece.base_url", "ece.example.com/system", "an http or https address"),
        ("ece.base_url", "https://ece.example.com/system?x=1", "an http or https address"),
        ("ece.base_url", "https://[ece/system", "an http or https address"),
        ("ece.timeout", 61, "at most 60 seconds"),
        ("ece.timeout", True, "a time above 0"),
        ("ece.max_connections", 0, "a whole number from 1 to 1000"),
        ("ece.stale_for", 3, "at least fresh_for"),
        ("ece.api_path", "egain", 'a path that starts with "/"'),
        ("ece.survey_path", "manual", '"auto", or a path'),
        ("ece.survey_format", "json", 'one of "auto"'),
        ("ece.proxy", "socks://proxy", "an http or https address"),
        ("ece.ca_file", "nowhere.pem", "the name of a file that is there"),
        ("entry_points.sales.label", "x" * 61, "60 characters at most"),
        ("entry_points.sales.label", {"en": ""}, "a text that is not empty"),
        ("ece.client_cert", __file__, "goes with ece.client_key"),
        ("entry_points.sales.id", 0, "a whole number from 1 to 9223372036854775807"),
        ("entry_points.sales.id", 2**63, "a whole number from 1 to 9223372036854775807"),
        ("entry_points.sales.id", "1001", "a whole number from 1 to 9223372036854775807"),
        ("entry_points.sales.id", True, "a whole number from 1 to 9223372036854775807"),
        ("entry_points.sales.id", 1001.0, "a whole number from 1 to 9223372036854775807"),
        ("entry_points.sales.enabled", "maybe", "true or false"),
        ("entry_points.sales.enabled", 1, "true or false"),
        ("entry_points.sales.checks", [], "at least one entry"),
        ("entry_points.sales.max_wait", "soon", "a time above 0"),
        ("entry_points.sales.max_queue_depth", -1, "a whole number from 0"),
        ("entry_points.sales.min_capacity", 0, "a whole number from 1"),
        ("entry_points.sales.when_unknown", "maybe", 'one of "hide", "message", "show"'),
        ("entry_points.sales.chat_url", "javascript:alert(1)", "an http or https address"),
        ("entry_points.sales.chat_url", "https://ece.example.com/{visitor}", "an http or https address"),
        ("entry_points.sales.chat_url", "https://{locale}.example.com/", "an http or https address"),
        ("entry_points.sales.chat_url", "https://ece.example.com/{id!r}", "an http or https address"),
        ("entry_points.sales.chat_url", "https://ece.example.com/{", "an http or https address"),
        ("entry_points.sales.locales", {"deutsch!": "de-DE"}, "a language tag"),
        ("entry_points.sales.open_in", "window", 'one of "popup", "tab", "dock"'),
        ("entry_points.sales.logo", "../secret.svg", "an .svg file of the theme"),
        ("entry_points.sales.logo", "logo.png", "an .svg file of the theme"),
        ("entry_points.sales.frame_allow", ["microphone", "usb"], 'one of "autoplay", "camera"'),
        ("entry_points.sales.frame_allow", ["camera *"], 'one of "autoplay", "camera"'),
        ("entry_points.sales.frame_allow", "microphone", "a list"),
        ("entry_points.sales.survey", "none", "the name of a survey"),
        ("entry_points.sales.theme", "../../etc", "a name of small letters"),
        ("entry_points.sales.hours", {"timezone": "Mars/Olympus"}, "a time zone of the IANA list"),
        ("entry_points.sales.hours", {"timezone": "../../etc/passwd"}, "a time zone of the IANA list"),
        ("entry_points.sales.hours", {"timezone": "UTC", "monday": ["9-5"]}, "a range as"),
        ("entry_points.sales.hours", {"timezone": "UTC", "monday": ["09:00-25:00"]}, "a range as"),
        ("entry_points.sales.hours", {"timezone": "UTC", "closed": ["Christmas"]}, "a day as"),
        ("entry_points.1001", {"id": 5, "chat_url": "https://ece.example.com/"}, "a name of small letters"),
        ("entry_points", {}, "at least one is needed"),
        ("entry_points", 5, "a table"),
        ("storage.url", "mysql://host/db", "the database as"),
        ("storage.url", "sqlite://", "the database as"),
        ("storage.url", "sqlite:///:memory:", "the database as"),
        ("storage.url", "postgresql://host:port/db", "the database as"),
        ("shared.url", "http://host", "the server as"),
        ("delivery.concurrency", 101, "a whole number from 1 to 100"),
        ("limits.tokens", "many", "a rate as"),
        ("limits.tokens", "0/minute", "a rate as"),
        ("server.publicurl", "https://chat.example.com", "is not a setting"),
        ("metrics", {}, "is not a setting"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(table: Table, key: str, value: Any, allowed: str) -> None:
    put(table, key, value)
    found = faults(table)
    assert any(each.startswith(key) and words.startswith(allowed) for each, words in found.items()), found
    assert len(found) == 1, "one cause is told once"


@pytest.mark.parametrize("section", ["server", "security", "ece", "entry_points"])
def test_a_missing_section_is_named(table: Table, section: str) -> None:
    del table[section]
    assert section in faults(table)


def test_required_settings_are_asked_for_by_name(table: Table) -> None:
    table |= {"server": {}, "security": {}, "ece": {}, "entry_points": {"sales": {}}}
    required = {"server.public_url", "security.secret_keys", "ece.base_url"}
    required |= {"entry_points.sales.id", "entry_points.sales.chat_url"}
    assert faults(table) == dict.fromkeys(required, "is required")


def test_all_faults_stand_in_one_message(table: Table) -> None:
    table["server"]["public_url"] = "x"
    table["ece"]["timeout"] = "fast"
    table["entry_points"]["sales"]["survey"] = "nobody"
    with pytest.raises(settings.SettingsFaults) as caught:
        settings.parse(table)
    lines = str(caught.value).splitlines()
    assert lines[0] == "settings: 3 faults"
    assert lines[1].startswith('  server.public_url = "x": ')
    assert lines[2].startswith('  ece.timeout = "fast": ')
    assert lines[3].startswith('  entry_points.sales.survey = "nobody": the name of a survey')


def test_two_entry_points_may_have_one_id(table: Table) -> None:
    table["entry_points"]["brand"] = {"id": 1001, "chat_url": "https://brand.example.com/"}
    assert {each.id for each in settings.parse(table).entry_points.values()} == {1001}


def test_origins_are_kept_as_browsers_write_them(table: Table) -> None:
    table["server"] = {"public_url": "HTTPS://Chat.example.com:443/", "allowed_origins": ["http://A.example.com:80"]}
    server = settings.parse(table).server
    assert (server.public_url, server.allowed_origins) == ("https://chat.example.com", ("http://a.example.com",))


@pytest.mark.parametrize(
    ("written", "seconds"), [(90, 90), (0.5, 0.5), ("90s", 90), ("10m", 600), ("24h", 86400), ("90d", 90 * 86400)]
)
def test_a_duration_is_a_number_of_seconds_or_has_a_unit(table: Table, written: Any, seconds: float) -> None:
    put(table, "security.survey_lifetime", written)
    assert settings.parse(table).security.survey_lifetime == seconds


def test_a_locale_for_eces_template_is_kept_to_the_letter(table: Table) -> None:
    put(table, "entry_points.sales.locales", {"pt_BR": "pt_BR"})
    assert settings.parse(table).entry_points["sales"].locales == {"pt-BR": "pt_BR"}


def test_relative_paths_start_at_the_folder_of_the_settings_file(table: Table, tmp_path: Path) -> None:
    table["storage"]["url"] = "sqlite:///data/outbox.db"
    table["themes"]["directory"] = "brand"
    (tmp_path / "brand").mkdir()
    found = settings.parse(table, directory=tmp_path)
    assert found.storage.url.get_secret_value() == f"sqlite:///{tmp_path}/data/outbox.db"
    assert found.themes.directory == tmp_path / "brand"


def test_a_themes_directory_that_is_written_is_there(table: Table, tmp_path: Path) -> None:
    table["themes"]["directory"] = "brand"
    with pytest.raises(settings.SettingsFaults) as caught:
        settings.parse(table, directory=tmp_path)
    (fault,) = caught.value.faults
    assert (fault.key, fault.value) == ("themes.directory", f'"{tmp_path}/brand"')
    assert fault.allowed.startswith("the name of a folder that is there")
    (tmp_path / "brand").touch()
    table["themes"]["directory"] = str(tmp_path / "brand")
    assert faults(table) == {"themes.directory": "the name of a folder; this is a file"}
    for odd in ("", "x" * 5000, "a\0b"):
        table["themes"]["directory"] = odd
        assert list(faults(table)) == ["themes.directory"]


@pytest.mark.parametrize("written", [{}, {"directory": "themes"}])
def test_the_default_themes_directory_may_be_missing_but_is_no_file(
    table: Table, tmp_path: Path, written: Table
) -> None:
    table["themes"] = written
    (tmp_path / "themes").rmdir()
    assert settings.parse(table, directory=tmp_path).themes.directory == tmp_path / "themes"
    (tmp_path / "themes").touch()
    with pytest.raises(settings.SettingsFaults, match=r"themes\.directory = .*: the name of a folder; this is a file"):
        settings.parse(table, directory=tmp_path)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("2001:db8::/32", "2001:db8::/32"),
    ],
)
def test_a_proxy_written_as_ipv4_inside_ipv6_is_ipv4_as_peers_are_compared(
    table: Table, written: str, meant: str
) -> None:
    table["server"]["trusted_proxies"] = [written]
    assert settings.parse(table).server.trusted_proxies == (meant,)


def test_a_certificate_file_with_a_name_that_is_too_long_is_a_fault(table: Table) -> None:
    table["ece"]["ca_file"] = "x" * 5000
    assert faults(table) == {"ece.ca_file": "the name of a file that is there"}


def test_an_absolute_database_path_stays(table: Table) -> None:
    table["storage"]["url"] = "sqlite:////var/lib/ece-widget/outbox.db"
    found = settings.parse(table, directory=Path("/etc/ece-widget"))
    assert found.storage.url.get_secret_value() == "sqlite:////var/lib/ece-widget/outbox.db"


def test_parsing_leaves_the_callers_table_alone(table: Table) -> None:
    before = repr(table)
    settings.parse(table, environ={"ECE_WIDGET_SERVER__LOG_LEVEL": "debug"})
    assert repr(table) == before


def test_settings_cannot_be_changed(configured: settings.Settings) -> None:
    with pytest.raises(ValueError, match="frozen"):
        configured.server.log_level = "debug"


def test_hours_and_limits_reach_the_domain(table: Table) -> None:
    sales = table["entry_points"]["sales"]
    sales |= {"max_wait": "10m", "max_queue_depth": 0, "min_capacity": 2}
    sales["hours"] = {"timezone": "Europe/Berlin", "friday": ["22:00-02:00"], "special": {"2026-12-24": []}}
    policy = settings.parse(table).policies()["sales"]
    assert (policy.max_wait, policy.max_queue_depth, policy.min_capacity) == (600, 0, 2)
    assert policy.hours is not None
    assert [(each.start, each.end) for each in policy.hours.week[4]] == [(1320, 1560)]
    assert list(policy.hours.special.values()) == [()]


def test_a_day_cannot_be_closed_and_special(table: Table) -> None:
    hours = {"timezone": "UTC", "closed": ["2026-12-24"], "special": {"2026-12-24": ["09:00-12:00"]}}
    put(table, "entry_points.sales.hours", hours)
    assert faults(table) == {"entry_points.sales.hours.special.2026-12-24": "stands in closed too; keep one of them"}


def test_a_ca_file_that_holds_no_certificate_is_a_fault(table: Table, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    put(table, "ece.ca_file", str(tmp_path / "ca.pem"))
    assert faults(table) == {"ece.ca_file": "a PEM file of certificates that can be read"}


def test_a_key_that_does_not_fit_its_certificate_is_a_fault(table: Table, tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("none")
    (tmp_path / "key.pem").write_text("none")
    table["ece"] |= {"client_cert": str(tmp_path / "cert.pem"), "client_key": str(tmp_path / "key.pem")}
    assert list(faults(table)) == ["ece.client_cert"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: put(t, "security.secret_keys", ["short"]), "security.secret_keys, number 1, is shorter"),
        (lambda t: put(t, "server.allowed_origins", ["*"]), "server.allowed_origins"),
        (lambda t: put(t, "server.public_url", "http://chat.example.com"), "server.public_url is http"),
        (lambda t: put(t, "ece.base_url", "http://ece.example.com/system"), "ece.base_url is http"),
        (lambda t: put(t, "server.trusted_proxies", ["0.0.0.0/0"]), "server.trusted_proxies has 0.0.0.0/0"),
        (
            lambda t: put(t, "entry_points.sales.hours", {"timezone": "UTC"}),
            "entry_points.sales.hours names no opening",
        ),
    ],
)
def test_what_is_unwise_is_a_warning_and_no_fault(table: Table, change: Callable[[Table], Table], said: str) -> None:
    table["security"]["operator_tokens"] = ["a-token-that-is-long-enough"]
    assert settings.warnings(settings.parse(table), today=TODAY) == []
    change(table)
    warnings = settings.warnings(settings.parse(table), today=TODAY)
    assert len(warnings) == 1
    assert warnings[0].startswith(said)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "shop.localhost"])
def test_http_on_loopback_is_no_warning(table: Table, host: str) -> None:
    table["security"]["operator_tokens"] = []
    put(table, "server.public_url", f"http://{host}")
    put(table, "ece.base_url", f"http://{host}/system")
    assert settings.warnings(settings.parse(table), today=TODAY) == []


@pytest.mark.parametrize("text", ["a" * 46, "ab" * 20, "abc" * 11])
@pytest.mark.parametrize("key", ["secret_keys", "operator_tokens"])
def test_a_secret_that_anybody_may_guess_is_refused(table: Table, key: str, text: str) -> None:
    table["security"][key] = ["a-text-that-is-long-enough", text]
    (found,) = faults(table).items()
    assert found[0] == f"security.{key}.1"
    assert "ece-widget init" in found[1]


@pytest.mark.parametrize("length", [1, 15])
def test_a_short_operator_token_is_refused_since_a_right_one_is_never_held_up(table: Table, length: int) -> None:
    table["security"]["operator_tokens"] = ["0123456789abcdef"[:length]]
    assert "at least 16 characters" in faults(table)["security.operator_tokens.0"]
    table["security"]["operator_tokens"] = ["0123456789abcdef"]
    settings.parse(table)


@pytest.mark.parametrize(
    ("place", "meant"),
    [
        ("server.publik_url", "server.public_url"),
        ("limts", "limits"),
        ("ece.max_connection", "ece.max_connections"),
        ("entry_points.sales.when_unavailble", "entry_points.sales.when_unavailable"),
        ("entry_points.sales.hours.mondey", "entry_points.sales.hours.monday"),
        ("server.operator_tokens", "security.operator_tokens"),
    ],
)
def test_an_unknown_key_is_told_what_was_probably_meant(table: Table, place: str, meant: str) -> None:
    table["entry_points"]["sales"]["hours"] = {"timezone": "UTC"}
    put(table, place, "x")
    assert f"did you mean {meant}?" in faults(table)[place]


def test_an_unknown_key_that_is_like_none_names_the_reference(table: Table) -> None:
    put(table, "server.xyzzy", "x")
    assert faults(table)["server.xyzzy"] == "is not a setting; `ece-widget settings` prints all that there are"


@pytest.mark.parametrize(
    ("hours", "warned"),
    [
        ({"closed": ["2025-12-25", "2026-01-01"]}, "the last was 2026-01-01"),
        ({"special": {"2025-12-24": ["09:00-12:00"]}}, "the last was 2025-12-24"),
        ({"closed": ["2025-12-25"], "special": {"2026-12-24": ["09:00-12:00"]}}, None),
        ({"closed": ["2026-11-24"]}, None),
        ({}, None),
    ],
)
def test_holidays_that_are_all_over_are_a_warning(table: Table, hours: Table, warned: str | None) -> None:
    put(table, "entry_points.sales.hours", {"timezone": "Europe/Berlin", "monday": ["09:00-12:00"], **hours})
    found = settings.warnings(settings.parse(table), today=TODAY)
    assert len(found) == (warned is not None)
    assert all(str(warned) in each and "entry_points.sales.hours" in each for each in found)


@pytest.mark.parametrize("origins", [[], ["*"]])
def test_the_pages_origin_in_a_chat_address_needs_a_site_that_is_listed_by_name(
    table: Table, origins: list[str]
) -> None:
    table["entry_points"]["sales"]["chat_url"] = "https://ece.example.com/chat?wsname={origin}"
    settings.parse(table)
    table["server"]["allowed_origins"] = origins
    assert "server.allowed_origins" in faults(table)["entry_points.sales.chat_url"]
