"""`/facts.json`: what the product sets, stores and asks, by the settings, for machines that judge consent."""

from __future__ import annotations

import json
from typing import Any

from starlette.routing import Route

from widget.settings import Settings
from widget.web.edge.fixed_answers import fixed_route
from widget.web.edge.origins import origin_of


def facts(settings: Settings) -> dict[str, Any]:
    """Return the facts. Retention is in seconds; `hosts` are the origins that a visitor's browser asks."""
    own = settings.server.public_url
    chats = sorted({origin_of(each.chat_url) for each in settings.entry_points.values()})
    greets = any(each.greeting is not None for each in settings.entry_points.values())
    dismissed = {"area": "sessionStorage", "key": "ece-chat", "when": "the visitor closes a greeting"}
    # what each page keeps in the browser, and whom it asks
    pages: dict[str, tuple[list[dict[str, str]], list[str]]] = {
        "page with the button": ([dismissed] if greets else [], [own]),
        "chat, opened by a click": ([], [own, *chats]),
    }
    stored: dict[str, tuple[list[str], list[str]]] = {}  # fields, and where they are sent
    if settings.surveys:
        draft = {
            "area": "sessionStorage",
            "key": "ece-widget survey …",
            "when": "the visitor writes; gone with the thanks",
        }
        pages["survey"] = ([draft], [own])
        fields = [
            "answers",
            "chat session id",
            "entry point",
            "survey",
            "language",
            "ECE's wait and queue depth",
            "times",
        ]
        alerted = {each.alert_if.to for each in settings.surveys.values() if each.alert_if is not None}
        stored["answered survey"] = (fields, ["ECE", *sorted(alerted)])
    if settings.messages is not None:
        pages["message"] = ([], [own])
        form = settings.messages.form()
        consent = [] if form.consent is None else ["consent"]
        stored["message"] = ([*form.fields, *consent, "language", "entry point", "times"], [form.destination])
    return {
        "pages": [
            {"page": page, "cookies": 0, "storage": storage, "hosts": hosts} for page, (storage, hosts) in pages.items()
        ],
        "stored": [
            {
                "what": what,
                "fields": fields,
                "sentTo": destinations,
                "retention": settings.storage.retention,
                "retentionBegins": "when it was delivered or given up",
            }
            for what, (fields, destinations) in stored.items()
        ],
        "ipAddressesStored": False,
        "operators": {"cookies": 1 if settings.console.enabled else 0, "when": "signed in at /console"},
    }


def route(settings: Settings) -> Route:
    """Return the route; the answer is made once."""
    body = json.dumps(facts(settings), ensure_ascii=False, indent=2).encode()
    return fixed_route("/facts.json", body, "application/json", {"Cache-Control": "public, max-age=300"})
