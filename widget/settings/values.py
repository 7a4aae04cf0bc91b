"""The kinds of value a setting can have, each with one sentence that says what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    SecretStr,
    StringConstraints,
)

from widget.domain.hours import OpenRange, read_range
from widget.domain.language import language_tag
from widget.domain.names import NAME

SHORTEST_TOKEN = 16
PLACEHOLDER = "write-a-long-random-text-here-0123456789"  # of examples/widget.toml
_FRESH = "`ece-widget init` writes a fresh one"
LONGEST_ID = 2**63 - 1  # the guide's `long`
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s?([smhd]?)")
_ON, _OFF = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


class Section(BaseModel):
    """A section of the settings file: its keys, of which none may be misspelt."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class EnvironmentText(str):
    """A value from the environment, where all is text: here `1001` may be a number, in the file `"1001"` may not."""

    __slots__ = ()


def where(is_right: Callable[[Any], bool], allowed: str) -> AfterValidator:
    """Return the check of a value that has to be right; one for which that raises ValueError is not."""

    def check(value: Any) -> Any:
        try:
            right = is_right(value)
        except ValueError:
            right = False
        if not right:
            raise ValueError(allowed)
        return value

    return AfterValidator(check)


def matching(pattern: str, allowed: str) -> AfterValidator:
    """Return the check of a text that has to fit a pattern as a whole."""
    return where(lambda value: re.fullmatch(pattern, value) is not None, allowed)


def _whole(low: int, high: int) -> BeforeValidator:
    def check(value: Any) -> int:
        if isinstance(value, EnvironmentText) and re.fullmatch(r"[+-]?[0-9]{1,30}", value.strip()):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return BeforeValidator(check)


def _switch(value: Any) -> bool:
    if isinstance(value, EnvironmentText) and value.strip().lower() in _ON | _OFF:
        value = value.strip().lower() in _ON
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _duration(value: Any) -> float:
    number: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value) if abs(value) < LONGEST_ID else None  # a longer one may be too much for a float
    elif isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        number = float(match[1]) * _UNITS[match[2]]
    if number is None or not 0 < number <= 10 * 365 * 86400:
        raise ValueError('a time above 0: seconds as a number, or "90s", "10m", "24h", "90d"')
    return number


def _words(value: Any) -> Any:
    """A list may come from the environment as words between commas; JSON was read before (`environment.py`)."""
    if not isinstance(value, EnvironmentText):
        return value
    if value.lstrip().startswith(("[", "{")):  # broken JSON; split, it could pass for secrets
        raise ValueError('a list: words between commas, or JSON as ["one", "two"]')
    return [EnvironmentText(part.strip()) for part in value.split(",") if part.strip()]


def _proxy(value: str) -> str:
    try:
        network = _as_peers_appear(ip_network(value, strict=False))
        return str(network) if network.prefixlen < network.max_prefixlen else str(network.network_address)
    except ValueError:
        raise ValueError('an address or a network, as "127.0.0.1" or "10.0.0.0/8"') from None


def _as_peers_appear(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """IPv4 inside IPv6 (`::ffff:10.0.0.0/104`) is IPv4 wherever peers are compared."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    return network if mapped is None else IPv4Network((mapped, network.prefixlen - 96))


def _stripped(value: SecretStr) -> SecretStr:
    """Blanks at the ends go: a header cannot carry them, and files and variables lose them too."""
    return SecretStr(value.get_secret_value().strip())


def _is_hard_to_guess(value: SecretStr) -> bool:
    """Return whether this is more than one piece of up to three characters that is repeated, as 46 times "a"."""
    text = value.get_secret_value()
    return len(text) <= 3 or all(text != (text[:length] * len(text))[: len(text)] for length in (1, 2, 3))


def _language(value: str) -> str:
    if (tag := language_tag(value)) is None:
        raise ValueError('a language tag, as "de" or "pt-BR"')
    return tag


def _range(value: Any) -> Any:
    return read_range(value if isinstance(value, str) else "")


def _timezone(value: Any) -> Any:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError('a time zone of the IANA list, as "Europe/Berlin"') from None


def _day(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (ValueError, TypeError):
        raise ValueError('a day as "2026-12-25"') from None


Duration = Annotated[float, BeforeValidator(_duration)]
CallTimeout = Annotated[
    Duration, where(lambda seconds: seconds <= 60, "at most 60 seconds; a visitor may wait that long")
]
HeaderName = Annotated[
    str, matching(r"(?:[A-Za-z][A-Za-z0-9-]{0,63})?", 'the name of a header, as "X-Remote-User", or nothing')
]
Switch = Annotated[bool, BeforeValidator(_switch)]
EntryPointId = Annotated[int, _whole(1, LONGEST_ID)]
Depth = Annotated[int, _whole(0, LONGEST_ID)]
Slots = Annotated[int, _whole(1, LONGEST_ID)]
Connections = Annotated[int, _whole(1, 1000)]
Senders = Annotated[int, _whole(1, 100)]
EceLocale = Annotated[
    str, matching(r"[A-Za-z0-9_.-]{1,35}", 'a locale as ECE\'s template wants it, as "de-DE" or "de_DE"')
]
ProxyNetwork = Annotated[str, AfterValidator(_proxy)]
StrippedSecret = Annotated[SecretStr, AfterValidator(_stripped)]
_Secret = Annotated[StrippedSecret, where(lambda secret: len(secret) > 0, "a secret text that is not empty; " + _FRESH)]
_HARD_TO_GUESS = where(_is_hard_to_guess, "a text drawn by lot, not one piece repeated; " + _FRESH)
SigningKey = Annotated[
    _Secret,
    where(
        lambda key: key.get_secret_value() != PLACEHOLDER,
        "is the placeholder of the commented example, which everybody can read; " + _FRESH,
    ),
    _HARD_TO_GUESS,
]
OperatorToken = Annotated[
    _Secret,
    where(
        lambda token: len(token) >= SHORTEST_TOKEN,
        f"at least {SHORTEST_TOKEN} characters, since a right token is never held up; " + _FRESH,
    ),
    _HARD_TO_GUESS,
]
Name = Annotated[
    str,
    matching(
        rf"(?![0-9]+\Z){NAME}",
        "a name of small letters, digits, - and _, with a letter, 64 at most",
    ),
]
SvgFile = Annotated[
    str,
    matching(
        r"[a-z0-9_-]+\.svg",
        'an .svg file of the theme, named in small letters, digits, - and _, as "workshop.svg"',
    ),
]
Language = Annotated[str, AfterValidator(_language)]
Rate = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True),
    matching(
        r"off|[1-9][0-9]{0,8}/(second|minute|hour|day)",
        'a rate as "60/minute" (second, minute, hour or day), or "off"',
    ),
]
Range = Annotated[
    OpenRange,
    BeforeValidator(_range),
    PlainSerializer(str),
]
Zone = Annotated[ZoneInfo, BeforeValidator(_timezone), PlainSerializer(str)]
Day = Annotated[date, BeforeValidator(_day)]
Words = BeforeValidator(_words)
