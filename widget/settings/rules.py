"""Rules between settings, looked at even when single values are wrong, so that one run shows everything."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from widget.settings.faults import Fault, shown
from widget.settings.instead_rules import instead_faults
from widget.settings.messages import destination_faults
from widget.settings.model import EceSettings, ThemesSettings
from widget.settings.raw import listed, table_at, valid, words
from widget.settings.survey_rules import survey_faults
from widget.settings.values import Switch


def broken_rules(raw: Mapping[str, Any], directory: Path, *, new_themes: bool) -> Iterator[Fault]:
    """Return a fault for each rule between settings, and between them and the disk, that this table breaks."""
    yield from _entry_points(raw)
    yield from instead_faults(raw)
    surveys = table_at(raw, "surveys")
    for name in surveys:
        yield from survey_faults(name, table_at(surveys, name))
    yield from destination_faults(raw)
    yield from _authorities(raw)
    yield from _certificates(table_at(raw, "ece"))
    yield from _times(table_at(raw, "ece"))
    yield from _themes(table_at(raw, "themes"), directory, may_be_missing=new_themes)
    yield from _metrics_ports(raw)
    yield from _console(raw)
    url = str(table_at(raw, "storage").get("url"))
    if url.startswith("postgres") and find_spec("psycopg") is None:
        yield Fault("storage.url", "", "needs a library that is not installed: pip install 'ece-widget[postgres]'")
    if table_at(raw, "shared") and find_spec("redis") is None:
        yield Fault("shared.url", "", "needs a library that is not installed: pip install 'ece-widget[shared]'")


def _entry_points(raw: Mapping[str, Any]) -> Iterator[Fault]:
    entry_points, surveys = table_at(raw, "entry_points"), table_at(raw, "surveys")
    if not entry_points and isinstance(raw.get("entry_points", {}), dict):
        yield Fault("entry_points", "", 'at least one is needed, as [entry_points.sales] with "id" and "chat_url"')
    for name in entry_points:
        entry_point = table_at(entry_points, name)
        if "{origin}" in str(entry_point.get("chat_url")) and not _named_origins(raw):
            allowed = "{origin} is filled with a site that server.allowed_origins lists by name; list one"
            yield Fault(f"entry_points.{name}.chat_url", shown(entry_point["chat_url"]), allowed)
        survey = entry_point.get("survey")
        if isinstance(survey, str) and survey not in surveys:
            allowed = f"the name of a survey ({', '.join(sorted(surveys)) or 'none is there'})"
            yield Fault(f"entry_points.{name}.survey", shown(survey), allowed)
        hours = table_at(entry_point, "hours")
        for day in sorted(set(map(str, listed(hours.get("closed")))) & set(map(str, table_at(hours, "special")))):
            yield Fault(f"entry_points.{name}.hours.special.{day}", "", "stands in closed too; keep one of them")


def _named_origins(raw: Mapping[str, Any]) -> list[str]:
    return [each for each in words(table_at(raw, "server").get("allowed_origins")) if each not in ("", "*")]


def _certificates(ece: Mapping[str, Any]) -> Iterator[Fault]:
    """Load what is named, once: a file that TLS cannot use would fail every call, with a message that names no file."""
    there = {}
    for key in ("client_cert", "client_key"):
        if isinstance(ece.get(key), str):
            there[key] = os.path.isfile(ece[key])  # pathlib's raises for a name that is too long
            if not there[key]:
                yield Fault(f"ece.{key}", shown(ece[key]), "the name of a file that is there")
    if ("client_cert" in ece) != ("client_key" in ece):
        yield Fault("ece.client_cert", "", "goes with ece.client_key; write both or none")
    if there.get("client_cert") and there.get("client_key"):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(ece["client_cert"], ece["client_key"], password="")
        except (OSError, ValueError):
            allowed = "a PEM certificate that fits ece.client_key, and a key without a password; both can be read"
            yield Fault("ece.client_cert", shown(ece["client_cert"]), allowed)


def _authorities(raw: Mapping[str, Any]) -> Iterator[Fault]:
    webhooks = table_at(raw, "webhooks")
    for section, table in (
        ("smtp", table_at(raw, "smtp")),
        *((f"webhooks.{name}", table_at(webhooks, name)) for name in webhooks),
        ("ece", table_at(raw, "ece")),
    ):
        if isinstance(table.get("ca_file"), str):
            yield from _authority(f"{section}.ca_file", table["ca_file"])


def _authority(key: str, file: str) -> Iterator[Fault]:
    """Load a file of authorities; its name is told again where TLS cannot use it."""
    if not os.path.isfile(file):
        yield Fault(key, shown(file), "the name of a file that is there")
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except (OSError, ValueError):
        yield Fault(key, shown(file), "a PEM file of certificates that can be read")


def _themes(themes: Mapping[str, Any], directory: Path, *, may_be_missing: bool) -> Iterator[Fault]:
    """Nobody makes the default folder who wants no themes; one that is written is wanted."""
    value = themes.get("directory")
    if not isinstance(value, str) or (value and os.path.isdir(value)):
        return
    if os.path.lexists(value):
        yield Fault("themes.directory", shown(value), "the name of a folder; this is a file")
    elif not value or not (may_be_missing or Path(value) == directory / ThemesSettings().directory):
        allowed = "the name of a folder that is there; without this line `themes` beside the settings is looked for"
        yield Fault("themes.directory", shown(value), allowed)


def _times(ece: Mapping[str, Any]) -> Iterator[Fault]:
    written = {key: ece[key] for key in ("fresh_for", "stale_for") if key in ece}
    times = valid(TypeAdapter(EceSettings), {"base_url": "http://ece", **written})
    if times is not None and times.stale_for < times.fresh_for:
        yield Fault("ece.stale_for", shown(ece.get("stale_for", times.stale_for)), "at least fresh_for")


def _metrics_ports(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """`serve` and `deliver` may run on one machine, and each takes its port for itself."""
    server, delivery = (table_at(raw, section).get("metrics_listen") for section in ("server", "delivery"))
    if server and isinstance(delivery, str) and delivery == server:
        allowed = "another port than that of server.metrics_listen, which `serve` takes"
        yield Fault("delivery.metrics_listen", shown(delivery), allowed)


def _console(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Nobody could sign in to a console that has neither; and a header that any visitor may send signs nobody in."""
    console, server = table_at(raw, "console"), table_at(raw, "server")
    enabled = console.get("enabled")
    if not valid(TypeAdapter(Switch), enabled):
        return
    if not console.get("user_header") and not table_at(raw, "security").get("operator_tokens"):
        allowed = "needs security.operator_tokens to sign in with, or user_header for a proxy that signs people in"
        yield Fault("console.enabled", shown(enabled), allowed)
    if console.get("user_header") and "trusted_proxies" in server and not server["trusted_proxies"]:
        allowed = "is believed from server.trusted_proxies only, and there are none"
        yield Fault("console.user_header", shown(console["user_header"]), allowed)
