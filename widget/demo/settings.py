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
_GREETING = {
    "text": {
        "en": "Not sure which bike fits? The people who build them are here.",
        "de": "Welches Rad passt? Wer sie baut, ist gerade da.",
        "ar": "لست متأكدًا أي دراجة تناسبك؟ من يصنعونها هنا الآن.",
    },
    "after": "5s",
}
_PHONE = {"kind": "phone", "value": "+44 20 7946 0018"}  # one of those that Ofcom keeps for stories
_EMAIL = {"kind": "email", "value": "workshop@alder-vale.example"}
_GUIDES = {
    "kind": "link",
    "value": "https://example.com/guides",
    "label": {"en": "Read the repair guides", "de": "Anleitungen lesen", "ar": "اقرأ أدلة الإصلاح"},
}
_MESSAGE = {"kind": "message"}
_TO_SALES = {"en": "Chat with sales", "de": "Mit dem Verkauf chatten", "ar": "الدردشة مع المبيعات"}
_SALES = {"kind": "entry_point", "value": "sales", "label": _TO_SALES}
_ADVICE = {"kind": "entry_point", "value": "advice"}
_ENTRY_POINTS: dict[str, dict[str, Any]] = {
    "sales": {"id": 1001, "tell_me": True, "greeting": _GREETING, "instead": [_PHONE, _MESSAGE]},
    "support": {
        "id": 1002,
        "open_in": "dock",
        "label": {"en": "Ask the workshop", "de": "Frag die Werkstatt", "ar": "اسأل الورشة"},
    },
    "advice": {"id": 1004, "open_in": "tab", "label": {"en": "Get advice", "de": "Lass dich beraten"}},
    "clearance": {
        "id": 1005,
        "tell_me": True,
        "label": {"en": "Ask about the sale", "de": "Fragen zum Ausverkauf"},
        "instead": [_MESSAGE, _ADVICE],
    },
    "night": {
        "id": 1003,
        "label": {"en": "Ask the night desk", "de": "Frag den Nachtdienst"},
        "instead": [_PHONE, _EMAIL, _SALES, _GUIDES, _MESSAGE],
    },
}
_CONSENT = {
    "en": "You may keep my address until my question is answered",
    "de": "Meine Adresse darf aufbewahrt werden, bis meine Frage beantwortet ist",
    "ar": "يمكنكم حفظ عنواني حتى تتم الإجابة عن سؤالي",
}
_LOCALES = {"en": "en-US", "de": "de-DE", "ar": "ar-SA"}


def demo_settings(
    *,
    widget_url: str,
    simulator_url: str,
    site_url: str,
    mail_port: int,
    folder: Path,
    secret: str,
    operator_token: str,
) -> settings.Settings:
    """Build the settings. The outbox is kept in `folder`; `operator_token` signs in at the console."""
    usual = {
        "chat_url": simulator_url + _CHAT,
        "locales": _LOCALES,
        "survey": "after_chat",
        "when_unavailable": "message",
    }
    return settings.parse(
        {
            "server": {"public_url": widget_url, "allowed_origins": [site_url], "log_level": "warning"},
            "security": {"secret_keys": [secret], "operator_tokens": [operator_token]},
            "console": {"enabled": True},
            "ece": {"base_url": f"{simulator_url}/system"},
            "entry_points": {name: usual | own for name, own in _ENTRY_POINTS.items()},
            "surveys": {"after_chat": _survey()},
            "messages": {"consent": _CONSENT},
            "smtp": {
                "url": f"smtp://127.0.0.1:{mail_port}",
                "from": "chat@alder-vale.example",
                "to": ["workshop@alder-vale.example"],
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
        "alert_if": {"question": "helpful", "answers": ["1", "2"], "to": "webhooks.site"},
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
