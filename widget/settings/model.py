"""Every setting: name, type, default. `examples/widget.toml` is the same table with a comment on each line."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from widget.domain.decision import Policy
from widget.domain.hours import Hours
from widget.domain.readings import Call
from widget.settings.surveys import SurveySettings
from widget.settings.values import (
    LONGEST_ID,
    BaseUrl,
    Day,
    Duration,
    Language,
    Name,
    OriginOrAny,
    ProxyNetwork,
    PublicUrl,
    Range,
    Rate,
    Secret,
    UrlPath,
    Words,
    Zone,
    is_origin,
)

CHAT_URL_FIELDS = frozenset({"id", "locale", "language", "country", "ticket"})


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class ServerSettings(Section):
    public_url: PublicUrl
    allowed_origins: Annotated[tuple[OriginOrAny, ...], Words] = ()
    trusted_proxies: Annotated[tuple[ProxyNetwork, ...], Words] = ("127.0.0.1",)
    metrics_listen: str = Field(default="", pattern=r"^$|^\S+:[0-9]{1,5}$")
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class SecuritySettings(Section):
    secret_keys: Annotated[tuple[Secret, ...], Words] = Field(min_length=1)
    operator_tokens: Annotated[tuple[Secret, ...], Words] = ()
    ticket_lifetime: Duration = 24 * 3600.0
    survey_lifetime: Duration = 7 * 86400.0


class EceSettings(Section):
    base_url: BaseUrl
    timeout: Duration = 2.0
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    proxy: BaseUrl | None = None
    max_connections: int = Field(default=20, ge=1, le=1000)
    fresh_for: Duration = 5.0
    stale_for: Duration = 60.0
    api_path: UrlPath = "/egain/chat/entrypoint"
    survey_path: Literal["auto"] | UrlPath = "auto"
    survey_format: Literal["auto", "plain", "namespace"] = "auto"
    wait_time_unit: Literal["milliseconds", "seconds", "minutes"] = "seconds"


class HoursSettings(Section):
    timezone: Zone
    monday: Annotated[tuple[Range, ...], Words] = ()
    tuesday: Annotated[tuple[Range, ...], Words] = ()
    wednesday: Annotated[tuple[Range, ...], Words] = ()
    thursday: Annotated[tuple[Range, ...], Words] = ()
    friday: Annotated[tuple[Range, ...], Words] = ()
    saturday: Annotated[tuple[Range, ...], Words] = ()
    sunday: Annotated[tuple[Range, ...], Words] = ()
    closed: Annotated[tuple[Day, ...], Words] = ()
    special: dict[Day, tuple[Range, ...]] = Field(default_factory=dict)

    def hours(self) -> Hours:
        """Give the same hours as the domain has them."""
        return Hours(
            timezone=self.timezone,
            week=(
                self.monday,
                self.tuesday,
                self.wednesday,
                self.thursday,
                self.friday,
                self.saturday,
                self.sunday,
            ),
            closed=frozenset(self.closed),
            special=MappingProxyType(dict(self.special)),
        )


def _chat_url(value: str) -> str:
    allowed = (
        "an http or https address; in its path and query {id}, {locale}, {language}, {country} and {ticket}"
        " may stand, other braces may not"
    )
    try:
        fields = {name for _, name, spec, conversion in string.Formatter().parse(value) if name is not None}
        specs = [
            spec or conversion for _, name, spec, conversion in string.Formatter().parse(value) if name is not None
        ]
        parts = urlsplit(value.format(**dict.fromkeys(CHAT_URL_FIELDS, "x")))
    except (ValueError, KeyError, IndexError, AttributeError):
        raise ValueError(allowed) from None
    origin = f"{parts.scheme}://{parts.netloc}"
    if (
        not fields <= CHAT_URL_FIELDS
        or any(specs)
        or not is_origin(origin)
        or not value.startswith(origin)
        or not value.isascii()
        or not value.isprintable()
        or " " in value
    ):
        raise ValueError(allowed)
    return value


class EntryPointSettings(Section):
    id: int = Field(ge=1, le=LONGEST_ID)
    chat_url: Annotated[str, AfterValidator(_chat_url)]
    enabled: bool = True
    checks: Annotated[tuple[Call, ...], Words] = Field(
        default=(Call.CHAT_ALLOWED, Call.LIVE_SESSION_STATUS), min_length=1
    )
    max_wait: Duration | None = None
    max_queue_depth: int | None = Field(default=None, ge=0, le=LONGEST_ID)
    min_capacity: int | None = Field(default=None, ge=1, le=LONGEST_ID)
    show_wait: bool = True
    show_position: bool = True
    when_unavailable: Literal["hide", "message"] = "hide"
    when_unknown: Literal["hide", "message", "show"] = "hide"
    locales: dict[Language, Language] = Field(default_factory=dict)
    open_in: Literal["popup", "tab", "dock"] = "popup"
    survey: Name | None = None
    theme: Name = "default"
    hours: HoursSettings | None = None

    def policy(self, name: str) -> Policy:
        """Give the rules of this entry point as the domain has them."""
        return Policy(
            entry_point=name,
            enabled=self.enabled,
            checks=frozenset(self.checks),
            max_wait=self.max_wait,
            max_queue_depth=self.max_queue_depth,
            min_capacity=self.min_capacity,
            show_wait=self.show_wait,
            show_position=self.show_position,
            when_unavailable=self.when_unavailable,
            when_unknown=self.when_unknown,
            hours=self.hours.hours() if self.hours else None,
        )


class StorageSettings(Section):
    url: SecretStr = Field(
        default=SecretStr("sqlite:///ece-widget.db"),
        validate_default=True,
    )
    retention: Duration = 90 * 86400.0


class DeliverySettings(Section):
    concurrency: int = Field(default=4, ge=1, le=100)
    max_age: Duration = 7 * 86400.0


class ThemesSettings(Section):
    directory: Path = Path("themes")


class LimitsSettings(Section):
    """Per IPv4 address or IPv6 /64."""

    public: Rate = "off"
    tokens: Rate = "60/minute"
    submits: Rate = "30/minute"


class SharedSettings(Section):
    url: SecretStr


class Settings(Section):
    """The whole file. `directory` is where relative paths in it start: the file's own folder."""

    server: ServerSettings
    security: SecuritySettings
    ece: EceSettings
    entry_points: dict[Name, EntryPointSettings] = Field(default_factory=dict)
    surveys: dict[Name, SurveySettings] = Field(default_factory=dict)
    storage: StorageSettings = StorageSettings()
    delivery: DeliverySettings = DeliverySettings()
    themes: ThemesSettings = ThemesSettings()
    limits: LimitsSettings = LimitsSettings()
    shared: SharedSettings | None = None

    def policies(self) -> Mapping[str, Policy]:
        return {name: entry_point.policy(name) for name, entry_point in self.entry_points.items()}


def relative_paths_from(raw: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Make the paths of a raw settings table start at the folder of its file."""
    for section, key in (
        ("ece", "ca_file"),
        ("ece", "client_cert"),
        ("ece", "client_key"),
        ("themes", "directory"),
    ):
        value = raw.get(section, {}).get(key) if isinstance(raw.get(section, {}), dict) else None
        if isinstance(value, str) and value:
            raw[section][key] = str(directory / value)
    return raw
