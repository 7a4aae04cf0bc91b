"""The kinds of address a setting can have, each with one sentence that says what is allowed."""

from __future__ import annotations

import re
import string
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, StringConstraints

from widget.domain.names import NAME
from widget.domain.outbox import SMTP, WEBHOOKS
from widget.settings.values import where

CHAT_URL_FIELDS = frozenset({"id", "locale", "language", "country", "ticket", "origin"})
_LISTEN = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_DESTINATION = re.compile(rf"{SMTP}|{re.escape(WEBHOOKS)}{NAME}")
SQLITE = "sqlite:///"
_SHARED_SCHEMES = frozenset({"redis", "rediss", "valkey", "valkeys", "unix"})


def is_origin(value: str) -> bool:
    """Return whether this is scheme, host and port alone, as a browser's Origin header has it.

    Raise ValueError for some of the texts that are none.
    """
    parts = urlsplit(value)
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and parts.port != 0
        and value == f"{parts.scheme}://{parts.netloc}"
        and "@" not in parts.netloc
        and re.fullmatch(r"[A-Za-z0-9.\-:\[\]]+", parts.netloc) is not None
    )


def _without_slash(value: str) -> str:
    return value.rstrip("/")


def _as_browsers_write(origin: str) -> str:
    """Without a default port (RFC 6454, section 6.1), so that comparing texts is enough."""
    return origin.removesuffix(_DEFAULT_PORTS.get(origin.partition(":")[0], ""))


def _is_base_url(value: str) -> bool:
    parts = urlsplit(value)
    return is_origin(f"{parts.scheme}://{parts.netloc}") and not set(value) & set("?#@") and _plain(value)


def _is_proxy_url(value: str) -> bool:
    parts = urlsplit(value)
    host = parts.netloc.rpartition("@")[2]
    bare = not (parts.path or parts.query or parts.fragment)
    return is_origin(f"{parts.scheme}://{host}") and bare and _plain(value)


def _is_database(value: SecretStr) -> bool:
    text = value.get_secret_value()
    return text.startswith(SQLITE) or (text.startswith("postgresql://") and _is_whole(text))


def _has_a_file(value: SecretStr) -> bool:
    text = value.get_secret_value()
    path = text.removeprefix(SQLITE)
    named = path.strip("/") != "" and path != ":memory:" and not path.endswith("/")
    return not text.startswith(SQLITE) or (named and not set(path) & set("?#\0"))


def _is_shared_server(value: SecretStr) -> bool:
    text = value.get_secret_value()
    scheme, _, place = text.partition("://")
    return scheme in _SHARED_SCHEMES and place != "" and _is_whole(text)


def _is_whole(url: str) -> bool:
    return urlsplit(url).port != 0 and url.isprintable() and " " not in url


def _is_listener(value: str) -> bool:
    match = _LISTEN.fullmatch(value)
    return not value or (match is not None and 1 <= int(match[1]) <= 65535)


def _is_path(value: str) -> bool:
    return value.startswith("/") and _plain(value) and not set(value) & set("?#") and "//" not in value


def _plain(value: str) -> bool:
    return value.isascii() and value.isprintable() and " " not in value


def _is_chat_url(value: str) -> bool:
    for _, name, spec, conversion in string.Formatter().parse(value):
        if name is not None and (name not in CHAT_URL_FIELDS or spec or conversion):
            return False
    parts = urlsplit(value.format(**dict.fromkeys(CHAT_URL_FIELDS, "x")))
    origin = f"{parts.scheme}://{parts.netloc}"  # a field in the host would let visitors choose where they are sent
    return is_origin(origin) and value.startswith(origin) and _plain(value)


def is_destination(value: Any) -> bool:
    """Return whether this has the form of a destination's name, as the outbox has it."""
    return isinstance(value, str) and _DESTINATION.fullmatch(value) is not None


_LOWER_CASE = StringConstraints(to_lower=True)
_NO_SLASH_AT_THE_END = AfterValidator(_without_slash)
_A_DATABASE = 'the database as "sqlite:///ece-widget.db" or "postgresql://user:password@host/name"'
_A_PATH = 'a path that starts with "/", as "/egain/chat/entrypoint"'

PublicUrl = Annotated[
    str,
    _LOWER_CASE,
    _NO_SLASH_AT_THE_END,
    where(is_origin, 'the origin browsers use, without a path, as "https://chat.example.com"'),
    AfterValidator(_as_browsers_write),
]
OriginOrAny = Annotated[
    str,
    _LOWER_CASE,
    _NO_SLASH_AT_THE_END,
    where(
        lambda value: value == "*" or is_origin(value), 'an origin without a path, as "https://www.example.com", or "*"'
    ),
    AfterValidator(_as_browsers_write),
]
BaseUrl = Annotated[
    str,
    _NO_SLASH_AT_THE_END,
    where(_is_base_url, 'an http or https address with the context root, as "https://ece.example.com/system"'),
]
ProxyUrl = Annotated[
    str,
    _NO_SLASH_AT_THE_END,
    where(
        _is_proxy_url,
        'an http or https address, as "http://proxy.example.com:3128"; user:password@ may stand before the host',
    ),
]
StorageUrl = Annotated[
    SecretStr,
    where(_is_database, _A_DATABASE),
    where(_has_a_file, _A_DATABASE + "; the SQLite file needs a name, with no ? or #"),
]
SharedUrl = Annotated[
    SecretStr,
    where(_is_shared_server, 'the server as "redis://host:6379/0"; also rediss://, valkey://, valkeys:// and unix://'),
]
Listen = Annotated[
    str,
    where(_is_listener, 'host and port (1 to 65535), as "127.0.0.1:9100" or "[::1]:9100", or "" for no listener'),
]
UrlPath = Annotated[str, where(_is_path, _A_PATH), _NO_SLASH_AT_THE_END]
SurveyPath = Annotated[
    str, where(lambda value: value == "auto" or _is_path(value), f'"auto", or {_A_PATH}'), _NO_SLASH_AT_THE_END
]
ChatUrl = Annotated[
    str,
    where(
        _is_chat_url,
        "an http or https address; in its path and query {id}, {locale}, {language}, {country}, {ticket} and {origin}"
        " may stand, other braces may not",
    ),
]
DestinationName = Annotated[str, where(is_destination, '"smtp", or "webhooks.NAME" where [webhooks.NAME] is set up')]
