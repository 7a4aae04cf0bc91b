"""The kinds of address a setting can have, each with one sentence that says what is allowed."""

from __future__ import annotations

import re
import string
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

CHAT_URL_FIELDS = frozenset({"id", "locale", "language", "country", "ticket", "origin"})
_LISTEN = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_DESTINATION = re.compile(r"smtp|webhooks\.[a-z0-9][a-z0-9_-]{0,63}")
_SHARED_SCHEMES = frozenset({"redis", "rediss", "valkey", "valkeys", "unix"})


def split_address(value: str, allowed: str) -> SplitResult:
    """Return the parts of an address. Raise ValueError with what is allowed for a text that is none."""
    try:
        return urlsplit(value)
    except ValueError:
        raise ValueError(allowed) from None


def is_origin(value: str) -> bool:
    """Return whether this is scheme, host and port alone, as a browser's Origin header has it."""
    try:
        parts = urlsplit(value)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and value == f"{parts.scheme}://{parts.netloc}"
            and "@" not in parts.netloc
            and re.fullmatch(r"[A-Za-z0-9.\-:\[\]]+", parts.netloc) is not None
        )
    except ValueError:
        return False


def _public_url(value: str) -> str:
    value = value.rstrip("/").lower()
    if not is_origin(value):
        raise ValueError('the origin browsers use, without a path, as "https://chat.example.com"')
    return _as_browsers_write(value)


def _origin_or_any(value: str) -> str:
    value = value.rstrip("/").lower()
    if value != "*" and not is_origin(value):
        raise ValueError('an origin without a path, as "https://www.example.com", or "*"')
    return value if value == "*" else _as_browsers_write(value)


def _as_browsers_write(origin: str) -> str:
    """Without a default port (RFC 6454, section 6.1), so that comparing texts is enough."""
    return origin.removesuffix(_DEFAULT_PORTS[origin.partition(":")[0]])


def _base_url(value: str) -> str:
    words = 'an http or https address with the context root, as "https://ece.example.com/system"'
    value = value.rstrip("/")
    parts = split_address(value, words)
    if not is_origin(f"{parts.scheme}://{parts.netloc}") or set(value) & set("?#@") or not _plain(value):
        raise ValueError(words)
    return value


def _proxy_url(value: str) -> str:
    words = 'an http or https address, as "http://proxy.example.com:3128"; user:password@ may stand before the host'
    parts = split_address(value.rstrip("/"), words)
    host = parts.netloc.rpartition("@")[2]
    if not is_origin(f"{parts.scheme}://{host}") or parts.path or parts.query or parts.fragment or not _plain(value):
        raise ValueError(words)
    return value.rstrip("/")


def _storage_url(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    words = 'the database as "sqlite:///ece-widget.db" or "postgresql://user:password@host/name"'
    if text.startswith("sqlite:///"):
        path = text.removeprefix("sqlite:///")
        if path.strip("/") and path != ":memory:" and not path.endswith("/") and not set(path) & set("?#\0"):
            return value
        raise ValueError(words + "; the SQLite file needs a name, with no ? or #")
    if not text.startswith("postgresql://") or not _can_be_split(text):
        raise ValueError(words)
    return value


def _shared_url(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text.partition("://")[0] not in _SHARED_SCHEMES or not text.partition("://")[2] or not _can_be_split(text):
        raise ValueError('the server as "redis://host:6379/0"; also rediss://, valkey://, valkeys:// and unix://')
    return value


def _can_be_split(url: str) -> bool:
    try:
        return urlsplit(url).port != 0 and url.isprintable() and " " not in url
    except ValueError:
        return False


def _listen(value: str) -> str:
    match = _LISTEN.fullmatch(value)
    if value and (not match or not 1 <= int(match[1]) <= 65535):
        raise ValueError('host and port (1 to 65535), as "127.0.0.1:9100" or "[::1]:9100", or "" for no listener')
    return value


def _path(value: str) -> str:
    if not value.startswith("/") or not _plain(value) or "?" in value or "#" in value or "//" in value:
        raise ValueError('a path that starts with "/", as "/egain/chat/entrypoint"')
    return value.rstrip("/")


def _survey_path(value: str) -> str:
    if value == "auto":
        return value
    try:
        return _path(value)
    except ValueError as error:
        raise ValueError(f'"auto", or {error}') from None


def _plain(value: str) -> bool:
    return value.isascii() and value.isprintable() and " " not in value


def _chat_url(value: str) -> str:
    words = (
        "an http or https address; in its path and query {id}, {locale}, {language}, {country}, {ticket} and {origin}"
        " may stand, other braces may not"
    )
    try:
        fields = [each for each in string.Formatter().parse(value) if each[1] is not None]
        parts = urlsplit(value.format(**dict.fromkeys(CHAT_URL_FIELDS, "x")))
    except (ValueError, KeyError, IndexError, AttributeError):
        raise ValueError(words) from None
    origin = f"{parts.scheme}://{parts.netloc}"  # a field in the host would let visitors choose where they are sent
    known = all(name in CHAT_URL_FIELDS and not spec and not conversion for _, name, spec, conversion in fields)
    if not known or not is_origin(origin) or not value.startswith(origin) or not _plain(value):
        raise ValueError(words)
    return value


def is_destination(value: Any) -> bool:
    """Return whether this has the form of a destination's name, as the outbox has it."""
    return isinstance(value, str) and _DESTINATION.fullmatch(value) is not None


def _destination(value: Any) -> Any:
    if not is_destination(value):
        raise ValueError('"smtp", or "webhooks.NAME" where [webhooks.NAME] is set up')
    return value


PublicUrl = Annotated[str, AfterValidator(_public_url)]
OriginOrAny = Annotated[str, AfterValidator(_origin_or_any)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
ProxyUrl = Annotated[str, AfterValidator(_proxy_url)]
StorageUrl = Annotated[SecretStr, AfterValidator(_storage_url)]
SharedUrl = Annotated[SecretStr, AfterValidator(_shared_url)]
Listen = Annotated[str, AfterValidator(_listen)]
UrlPath = Annotated[str, AfterValidator(_path)]
SurveyPath = Annotated[str, AfterValidator(_survey_path)]
ChatUrl = Annotated[str, AfterValidator(_chat_url)]
DestinationName = Annotated[str, BeforeValidator(_destination)]
