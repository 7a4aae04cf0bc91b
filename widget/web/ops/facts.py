"""`/facts.json`: what the product sets, stores and asks, by the settings, for machines that judge consent."""

from __future__ import annotations

import json
from typing import Any

from starlette.routing import Route

from widget.settings import Settings
from widget.web.edge.fixed_answers import fixed_route
from widget.web.edge.origins import origin_of

_SETTLED = "when it was delivered or given up"
_HEADERS = {
    "Cache-Control": "public, max-age=300",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def facts(settings: Settings) -> dict[str, Any]:
    """Return the facts. Retention is in seconds; `hosts` are the origins that a visitor's browser asks."""
    own = settings.server.public_url
    chats = sorted({origin_of(each.chat_url) for each in settings.entry_points.values()})
    greets = any(each.greeting is not None for each in settings.entry_points.values())
    dismissed = (
        [{"area": "sessionStorage", "key": "ece-chat", "when": "the visitor closes a greeting"}] if greets else []
    )
    draft = [
        {"area": "sessionStorage", "key": "ece-widget survey …", "when": "the visitor writes; gone with the thanks"}
    ]
    nothing: list[dict[str, str]] = []
    pages = {"page with the button": (dismissed, [own]), "chat, opened by a click": (nothing, [own, *chats])}
    if settings.surveys:
        pages["survey"] = (draft, [own])
    stored = [_survey(settings)] if settings.surveys else []
    if settings.messages is not None:
        pages["message"] = (nothing, [own])
        stored.append(_message(settings))
    return {
        "pages": [
            {"page": page, "cookies": 0, "storage": storage, "hosts": hosts} for page, (storage, hosts) in pages.items()
        ],
        "stored": stored,
        "ipAddressesStored": False,
        "operators": {"cookies": 1 if settings.console.enabled else 0, "when": "signed in at /console"},
    }


def route(settings: Settings) -> Route:
    """Return the route; the answer is made once."""
    body = json.dumps(facts(settings), ensure_ascii=False, indent=2).encode()
    return fixed_route("/facts.json", body, "application/json", _HEADERS)


def _survey(settings: Settings) -> dict[str, Any]:
    fields = ["answers", "chat session id", "entry point", "survey", "language", "ECE's wait and queue depth", "times"]
    alerted = sorted({each.alert_if.to for each in settings.surveys.values() if each.alert_if is not None})
    return {
        "what": "answered survey",
        "fields": fields,
        "sentTo": ["ECE", *alerted],
        "retention": settings.storage.retention,
        "retentionBegins": _SETTLED,
    }


def _message(settings: Settings) -> dict[str, Any]:
    assert settings.messages is not None
    form = settings.messages.form()
    fields = [*form.fields, *(["consent"] if form.consent is not None else []), "language", "entry point", "times"]
    return {
        "what": "message",
        "fields": fields,
        "sentTo": [form.destination],
        "retention": settings.storage.retention,
        "retentionBegins": _SETTLED,
    }
