"""What works but is unwise: shown at the start of `serve` and by `check`, never a reason to stop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from widget.settings.model import EntryPointSettings, HoursSettings, Settings

SHORT_SECRET = 32


def warnings(settings: Settings, *, today: date) -> list[str]:
    """Return one sentence for each unwise setting; it names the key and never a secret's value."""
    found = [*_edge(settings), *_secrets(settings)]
    for name, webhook in settings.webhooks.items():
        if _plain_http(webhook.url.get_secret_value()):
            found.append(f"webhooks.{name}.url is http: what visitors write travels there unencrypted")
    for name, entry_point in settings.entry_points.items():
        found += _entry_point(f"entry_points.{name}", entry_point, today)
    return found


def _edge(settings: Settings) -> Iterator[str]:
    server, ece = settings.server, settings.ece
    if _plain_http(server.public_url):
        yield "server.public_url is http on a public host: answers travel unencrypted, and sites on https block us"
    if _plain_http(ece.base_url):
        yield "ece.base_url is http: session ids and survey answers travel to ECE unencrypted"
    if "*" in server.allowed_origins:
        yield 'server.allowed_origins is "*": any site may frame survey pages; name the sites instead'
    for network in server.trusted_proxies:
        if ip_network(network).prefixlen == 0:
            yield f"server.trusted_proxies has {network}: every client may forge its own address"


def _secrets(settings: Settings) -> Iterator[str]:
    for number, key in enumerate(settings.security.secret_keys, 1):
        if len(key.get_secret_value()) < SHORT_SECRET:
            yield (
                f"security.secret_keys, number {number}, is shorter than {SHORT_SECRET} characters;"
                " `ece-widget init` writes a fresh one"
            )


def _entry_point(key: str, entry_point: EntryPointSettings, today: date) -> Iterator[str]:
    if entry_point.survey is not None and "{ticket}" not in entry_point.chat_url:
        yield f"{key}: chat_url has no {{ticket}}, so chats do not lead to its survey; only links from survey-link do"
    if entry_point.tell_me and entry_point.when_unavailable == "hide":
        yield f'{key}: tell_me needs when_unavailable = "message"; a launcher that hides offers nothing'
    if entry_point.instead and entry_point.when_unavailable == "hide":
        yield f'{key}: only the closed page offers instead; the launcher too when when_unavailable is "message"'
    if entry_point.hours is not None:
        hours = entry_point.hours.hours()
        if not any(hours.week) and not any(hours.special.values()):
            yield f"{key}.hours names no opening: the button never shows"
        yield from _holidays(f"{key}.hours", entry_point.hours, today)


def _holidays(key: str, hours: HoursSettings, today: date) -> Iterator[str]:
    days = [*hours.closed, *hours.special]
    if days and max(days) < today:
        yield f"{key}: every day of closed and special has passed, the last was {max(days)}; write the coming ones"


def _plain_http(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost" or host.endswith(".localhost")
    return parts.scheme == "http" and not loopback
