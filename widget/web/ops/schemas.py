"""The JSON that goes in and out, as JSON Schema (2020-12, which OpenAPI 3.1 speaks)."""

from __future__ import annotations

from typing import Any

from widget.domain.decision import RARELY, REFRESH_UNDER_WAY, SELDOM, SOON, USUAL, Response
from widget.domain.evaluation import State
from widget.domain.instead import Kind
from widget.domain.names import NAME
from widget.domain.outbox import LONGEST_SID
from widget.domain.readings import Reason

Json = dict[str, Any]

WHOLE_NAME = f"^{NAME}$"
_REASONS = [str(each) for each in Reason]

_COUNT: Json = {"type": ["integer", "null"], "minimum": 0}
_TIME: Json = {"type": ["string", "null"], "format": "date-time"}

DECISION: Json = {
    "type": "object",
    "additionalProperties": False,
    "description": "Whether chat is offered now, and what the visitor may be told.",
    "properties": {
        "entryPoint": {"type": "string", "pattern": WHOLE_NAME},
        "show": {"type": "boolean", "description": "The button is drawn and opens."},
        "state": {"type": "string", "enum": [str(each) for each in State]},
        "reason": {"type": ["string", "null"], "enum": [*_REASONS, None], "description": "Null where available."},
        "waitTime": {**_COUNT, "description": "Seconds, as ECE estimates them."},
        "queueDepth": {**_COUNT, "description": "Chats that wait."},
        "position": {**_COUNT, "description": "The visitor's place: queue depth + 1."},
        "capacity": {**_COUNT, "description": "Free chat slots of all agents."},
        "opensAt": {**_TIME, "description": "The next opening, outside hours."},
        "asOf": {**_TIME, "description": "When ECE answered."},
        "nextCheck": {
            "type": "integer",
            "enum": [REFRESH_UNDER_WAY, SOON, USUAL, SELDOM, RARELY],
            "description": "Seconds until it pays to ask again.",
        },
        "response": {
            "type": "string",
            "enum": [str(each) for each in Response],
            "description": "The state in the words of the webchat client of alphagov/frontend.",
        },
        "instead": {
            "type": "array",
            "description": "Other ways that are open now, in the operator's order; none while the button is drawn.",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["kind", "label", "href"],
                "properties": {
                    "kind": {"type": "string", "enum": [str(each) for each in Kind]},
                    "label": {"type": "string"},
                    "href": {"type": "string", "format": "uri"},
                },
            },
        },
    },
    "examples": [
        {
            "entryPoint": "sales",
            "show": True,
            "state": "available",
            "reason": None,
            "waitTime": 180,
            "queueDepth": 2,
            "position": 3,
            "capacity": 4,
            "opensAt": None,
            "asOf": "2026-11-24T08:00:00Z",
            "nextCheck": 15,
            "response": "AVAILABLE",
            "instead": [],
        }
    ],
}
DECISION["required"] = list(DECISION["properties"])

PROBLEM: Json = {
    "type": "object",
    "description": "RFC 9457, with a stable code and the id that the log has for this request.",
    "required": ["type", "title", "status", "detail", "code", "requestId"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string", "pattern": "^[a-z_]+$"},
        "requestId": {"type": "string"},
    },
    "examples": [
        {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "No entry point has this name.",
            "code": "unknown_entry_point",
            "requestId": "5f0c2b7a9d3e41c8b6a0",
        }
    ],
}
SID: Json = {
    "type": "string",
    # What is promised: letters, digits, punctuation, symbols. Anything printable is taken, combining marks too, but
    # which characters those are changes with each version of Unicode.
    "pattern": r"^ *[\p{L}\p{N}\p{P}\p{S}][\p{L}\p{N}\p{P}\p{S} ]*$",
    "maxLength": LONGEST_SID,
    "description": "ECE's id of the chat session; a secret.",
}
LINK_ORDER: Json = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sid", "entryPoint"],
    "properties": {
        "sid": SID,
        "entryPoint": {"type": "string", "pattern": WHOLE_NAME},
        "survey": {
            "type": ["string", "null"],
            "pattern": WHOLE_NAME,
            "description": "Default: the entry point's own survey.",
        },
    },
    "examples": [{"sid": "1000-84310B2A", "entryPoint": "sales", "survey": "after_chat"}],
}
LINK: Json = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url", "expiresAt"],
    "properties": {
        "url": {"type": "string", "format": "uri"},
        "expiresAt": {"type": "string", "format": "date-time"},
    },
    "examples": [{"url": "https://chat.example.com/survey/the-signed-text", "expiresAt": "2026-12-01T08:00:00Z"}],
}
READINESS: Json = {
    "type": "object",
    "required": ["status", "checks"],
    "properties": {
        "status": {"type": "string", "enum": ["ready", "degraded", "not_ready"]},
        "checks": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "ok", "reason"],
                "properties": {
                    "name": {"type": "string"},
                    "ok": {"type": "boolean"},
                    "reason": {"type": ["string", "null"]},
                },
            },
        },
    },
}
