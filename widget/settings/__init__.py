"""The settings: one TOML file, environment over it, secrets also from files; read once, checked together, frozen."""

from widget.settings.advice import warnings
from widget.settings.faults import Fault, SettingsFaults
from widget.settings.messages import MessagesSettings, SmtpSettings, WebhookSettings
from widget.settings.model import (
    EceSettings,
    EntryPointSettings,
    LimitsSettings,
    ServerSettings,
    Settings,
)
from widget.settings.sources import default_file, load, parse
from widget.settings.surveys import SurveySettings

__all__ = [
    "EceSettings",
    "EntryPointSettings",
    "Fault",
    "LimitsSettings",
    "MessagesSettings",
    "ServerSettings",
    "Settings",
    "SettingsFaults",
    "SmtpSettings",
    "SurveySettings",
    "WebhookSettings",
    "default_file",
    "load",
    "parse",
    "warnings",
]
