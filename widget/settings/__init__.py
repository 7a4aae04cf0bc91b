"""The settings: one TOML file, environment over it, secrets also from files; read once, checked together, frozen."""

from widget.settings.advice import warnings
from widget.settings.faults import Fault, SettingsFaults
from widget.settings.messages import MessagesSettings, SmtpSettings, WebhookSettings
from widget.settings.model import (
    DeliverySettings,
    EceSettings,
    EntryPointSettings,
    LimitsSettings,
    SecuritySettings,
    ServerSettings,
    Settings,
    SharedSettings,
    StorageSettings,
    ThemesSettings,
)
from widget.settings.sources import default_file, load, parse
from widget.settings.surveys import AlertSettings, SurveySettings

__all__ = [
    "AlertSettings",
    "DeliverySettings",
    "EceSettings",
    "EntryPointSettings",
    "Fault",
    "LimitsSettings",
    "MessagesSettings",
    "SecuritySettings",
    "ServerSettings",
    "Settings",
    "SettingsFaults",
    "SharedSettings",
    "SmtpSettings",
    "StorageSettings",
    "SurveySettings",
    "ThemesSettings",
    "WebhookSettings",
    "default_file",
    "load",
    "parse",
    "warnings",
]
