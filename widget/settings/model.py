"""Every setting: name, type, default. `examples/widget.toml` is the same table with a comment on each line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from widget.domain.hours import Hours
from widget.domain.instead import Kind, Way
from widget.domain.outbox import ECE, SMTP, WEBHOOKS
from widget.domain.policy import Policy
from widget.domain.readings import Call, Reason
from widget.settings.addresses import (
    BaseUrl,
    ChatUrl,
    Listen,
    OriginOrAny,
    ProxyUrl,
    PublicUrl,
    SharedUrl,
    StorageUrl,
    SurveyPath,
    UrlPath,
)
from widget.settings.messages import MessagesSettings, SmtpSettings, WebhookSettings
from widget.settings.surveys import GreetingText, Label, SurveySettings
from widget.settings.values import (
    CallTimeout,
    Connections,
    Day,
    Depth,
    Duration,
    EceLocale,
    EntryPointId,
    HeaderName,
    Language,
    Name,
    OperatorToken,
    ProxyNetwork,
    Range,
    Rate,
    Section,
    Senders,
    SigningKey,
    Slots,
    SvgFile,
    Switch,
    Words,
    Zone,
)

# What a docked chat may ask the browser for (Permissions Policy, "policy-controlled features").
FrameFeature = Literal[
    "autoplay",
    "camera",
    "clipboard-read",
    "clipboard-write",
    "display-capture",
    "fullscreen",
    "geolocation",
    "microphone",
    "picture-in-picture",
    "screen-wake-lock",
    "speaker-selection",
    "web-share",
]


class ServerSettings(Section):
    public_url: PublicUrl
    allowed_origins: Annotated[tuple[OriginOrAny, ...], Words] = ()
    trusted_proxies: Annotated[tuple[ProxyNetwork, ...], Words] = ("127.0.0.1",)
    metrics_listen: Listen = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class SecuritySettings(Section):
    secret_keys: Annotated[tuple[SigningKey, ...], Words] = Field(min_length=1)
    operator_tokens: Annotated[tuple[OperatorToken, ...], Words] = ()
    ticket_lifetime: Duration = 24 * 3600.0
    survey_lifetime: Duration = 7 * 86400.0


class EceSettings(Section):
    base_url: BaseUrl
    timeout: CallTimeout = 2.0
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    proxy: ProxyUrl | None = Field(default=None, repr=False)  # may hold a password
    max_connections: Connections = 20
    connection_max_age: Duration = 60.0
    fresh_for: Duration = 5.0
    stale_for: Duration = 60.0
    api_path: UrlPath = "/egain/chat/entrypoint"
    survey_path: SurveyPath = "auto"
    survey_format: Literal["auto", "plain", "namespace"] = "auto"
    wait_time_unit: Literal["milliseconds", "seconds", "minutes"] = "seconds"

    def address(self, call: Call, entry_point_id: int) -> str:
        """Return the address that a GET call asks."""
        return f"{self.base_url}{self.api_path}/{call}/{entry_point_id:d}"


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
    special: dict[Day, Annotated[tuple[Range, ...], Words]] = Field(default_factory=dict)

    def hours(self) -> Hours:
        """Return the same hours as the domain has them."""
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


class GreetingSettings(Section):
    text: GreetingText
    after: Duration = 20.0
    max_wait: Duration | None = None


class InsteadSettings(Section):
    kind: Kind
    value: str = ""
    label: Label | None = None
    reasons: Annotated[tuple[Reason, ...], Words] = ()
    hours: HoursSettings | None = None

    def way(self) -> Way:
        """Return the same way as the domain has it."""
        return Way(
            kind=self.kind,
            value=self.value,
            label=self.label,
            reasons=frozenset(self.reasons),
            hours=self.hours.hours() if self.hours else None,
        )


class EntryPointSettings(Section):
    id: EntryPointId
    chat_url: ChatUrl
    enabled: Switch = True
    checks: Annotated[tuple[Call, ...], Words] = Field(
        default=(Call.CHAT_ALLOWED, Call.LIVE_SESSION_STATUS), min_length=1
    )
    max_wait: Duration | None = None
    max_queue_depth: Depth | None = None
    min_capacity: Slots | None = None
    show_wait: Switch = True
    show_position: Switch = True
    when_unavailable: Literal["hide", "message"] = "hide"
    when_unknown: Literal["hide", "message", "show"] = "hide"
    locales: dict[Language, EceLocale] = Field(default_factory=dict)
    open_in: Literal["popup", "tab", "dock"] = "popup"
    label: Label | None = None
    logo: SvgFile | None = None
    frame_allow: Annotated[tuple[FrameFeature, ...], Words] = ()
    survey: Name | None = None
    theme: Name = "default"
    hours: HoursSettings | None = None
    tell_me: Switch = False
    greeting: GreetingSettings | None = None
    instead: tuple[InsteadSettings, ...] = Field(default=(), max_length=10)

    def policy(self, name: str) -> Policy:
        """Return the rules of this entry point as the domain has them."""
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
            instead=tuple(each.way() for each in self.instead),
            greets_up_to=(self.greeting.max_wait or inf) if self.greeting else None,
        )


class StorageSettings(Section):
    url: StorageUrl = SecretStr("sqlite:///ece-widget.db")
    retention: Duration = 90 * 86400.0


class DeliverySettings(Section):
    concurrency: Senders = 4
    max_age: Duration = 7 * 86400.0
    metrics_listen: Listen = ""


class ThemesSettings(Section):
    directory: Path = Path("themes")


class LimitsSettings(Section):
    """Per IPv4 address or IPv6 /64."""

    public: Rate = "off"
    tokens: Rate = "60/minute"
    submits: Rate = "30/minute"


class SharedSettings(Section):
    url: SharedUrl


class ConsoleSettings(Section):
    enabled: Switch = False
    user_header: HeaderName = ""


class HistorySettings(Section):
    """`enabled` is None where it follows the console's."""

    enabled: Switch | None = None
    retention: Duration = 90 * 86400.0


class Settings(Section):
    """The whole file. Relative paths in it, SQLite's too, start at its own folder (`sources.py`)."""

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
    messages: MessagesSettings | None = None
    smtp: SmtpSettings | None = None
    webhooks: dict[Name, WebhookSettings] = Field(default_factory=dict)
    console: ConsoleSettings = ConsoleSettings()
    history: HistorySettings = HistorySettings()

    @property
    def keeps_history(self) -> bool:
        return self.console.enabled if self.history.enabled is None else self.history.enabled

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return where rows of the outbox can go, as the rows name it."""
        return (ECE, *([SMTP] if self.smtp is not None else []), *(f"{WEBHOOKS}{name}" for name in self.webhooks))

    def zones(self) -> Mapping[str, tzinfo]:
        """Return the time zone in which each entry point's days are counted: that of its hours, else UTC."""
        return {name: each.hours.timezone if each.hours else UTC for name, each in self.entry_points.items()}

    def policies(self) -> Mapping[str, Policy]:
        return {name: entry_point.policy(name) for name, entry_point in self.entry_points.items()}
