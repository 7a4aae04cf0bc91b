"""What works but is unwise: shown at the start of `serve` and by `check`, never a reason to stop."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from widget.settings.model import EntryPointSettings, Settings

SHORT_SECRET = 32
SHORT_TOKEN = 16


def advice(settings: Settings) -> list[str]:
    """Give one sentence for each unwise setting; it names the key and never a secret's value."""
    found = [*_edge(settings), *_secrets(settings)]
    for name, entry_point in settings.entry_points.items():
        found += _entry_point(f"entry_points.{name}", entry_point)
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
    for number, token in enumerate(settings.security.operator_tokens, 1):
        if len(token.get_secret_value()) < SHORT_TOKEN:
            yield f"security.operator_tokens, number {number}, is shorter than {SHORT_TOKEN} characters"


def _entry_point(key: str, entry_point: EntryPointSettings) -> Iterator[str]:
    if entry_point.survey is not None and "{ticket}" not in entry_point.chat_url:
        yield f"{key}: chat_url has no {{ticket}}, so chats do not lead to its survey; only links from survey-link do"
    if entry_point.hours is not None:
        hours = entry_point.hours.hours()
        if not any(hours.week) and not any(hours.special.values()):
            yield f"{key}.hours names no opening: the button never shows"


def _plain_http(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost" or host.endswith(".localhost")
    return parts.scheme == "http" and not loopback
