"""The demo's settings: those of an operator's file, for the simulator and the sample site."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from widget import settings

_CHAT = (
    "/system/templates/chat/aqua/index.html?subActivity=Chat&entryPointId={id}"
    "&templateName=aqua&ver=v11&locale={locale}&ticket={ticket}"
)
_LOCALES = {"en": "en-US", "de": "de-DE", "ar": "ar-SA"}


def demo_settings(
    *, widget_url: str, simulator_url: str, site_url: str, folder: Path, secret: str, operator_token: str
) -> settings.Settings:
    """Build the settings. The outbox is kept in `folder`; `operator_token` signs in at the console."""

    def entry_point(number: int, **more: Any) -> dict[str, Any]:
        return {"id": number, "chat_url": simulator_url + _CHAT, "locales": _LOCALES, "survey": "after_chat", **more}

    return settings.parse(
        {
            "server": {"public_url": widget_url, "allowed_origins": [site_url], "log_level": "warning"},
            "security": {"secret_keys": [secret], "operator_tokens": [operator_token]},
            "console": {"enabled": True},
            "ece": {"base_url": f"{simulator_url}/system"},
            "entry_points": {
                "sales": entry_point(1001),
                "support": entry_point(
                    1002,
                    open_in="dock",
                    when_unavailable="message",
                    label={"en": "Ask the workshop", "de": "Frag die Werkstatt", "ar": "اسأل الورشة"},
                ),
                "advice": entry_point(
                    1004,
                    open_in="tab",
                    when_unavailable="message",
                    label={"en": "Get advice", "de": "Lass dich beraten"},
                ),
                "clearance": entry_point(1005, when_unavailable="message"),
                "night": entry_point(1003, when_unavailable="message"),
            },
            "surveys": {"after_chat": _survey()},
            "messages": {
                "to": "webhooks.site",
                "consent": {"en": "You may answer me by e-mail", "de": "Antwort erlaubt"},
            },
            "webhooks": {"site": {"url": f"{site_url}/hook", "secret": _webhook_secret(secret)}},
            "storage": {"url": f"sqlite:///{folder}/demo.db"},
        },
        source="the demo's settings",
    )


def _webhook_secret(secret: str) -> str:
    return "whsec_" + base64.b64encode(hashlib.sha256(secret.encode()).digest()).decode("ascii")


def _survey() -> dict[str, Any]:
    """Return a survey with one question of every kind, a chain of `show_if`, two pages and two languages."""
    return {
        "title": {"en": "How did we do?", "de": "Wie war unser Gespräch?"},
        "questions": [
            {
                "id": "helpful",
                "kind": "rating",
                "look": "stars",
                "required": True,
                "text": {"en": "How helpful was the agent?", "de": "Wie hilfreich war das Gespräch?"},
                "labels": {"en": ["Not at all", "Very"], "de": ["Gar nicht", "Sehr"]},
            },
            {
                "id": "missing",
                "kind": "choices",
                "text": {"en": "What was missing?", "de": "Was hat gefehlt?"},
                "show_if": {"helpful": ["1", "2", "3"]},
                "other": {"en": "Something else", "de": "Etwas anderes"},
                "options": [
                    {"value": "answer", "text": {"en": "A clear answer", "de": "Eine klare Antwort"}},
                    {
                        "value": "time",
                        "text": {"en": "Time: I waited too long", "de": "Zeit: ich habe zu lange gewartet"},
                    },
                    {"value": "tone", "text": {"en": "A friendly tone", "de": "Ein freundlicher Ton"}},
                ],
            },
            {
                "id": "solved",
                "kind": "yes_no",
                "required": True,
                "text": {"en": "Is your question answered?", "de": "Ist Ihre Frage beantwortet?"},
            },
            {
                "id": "next",
                "kind": "choice",
                "show_if": {"solved": ["no"]},
                "text": {"en": "How shall we go on?", "de": "Wie sollen wir weitermachen?"},
                "options": [
                    {"value": "mail", "text": {"en": "By e-mail", "de": "Per E-Mail"}},
                    {"value": "call", "text": {"en": "By telephone", "de": "Am Telefon"}},
                    {"value": "nothing", "text": {"en": "Not at all, thank you", "de": "Gar nicht, danke"}},
                ],
            },
            {
                "id": "recommend",
                "kind": "nps",
                "page": 2,
                "text": {
                    "en": "How likely are you to recommend us to a friend?",
                    "de": "Wie wahrscheinlich empfehlen Sie uns weiter?",
                },
            },
            {
                "id": "comment",
                "kind": "text",
                "page": 2,
                "max_length": 800,
                "text": {"en": "What could we do better?", "de": "Was können wir besser machen?"},
            },
        ],
    }
