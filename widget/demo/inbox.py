"""What reached the company: mails and webhook posts, kept for a page that shows them as they came."""

from __future__ import annotations

import email
import email.policy
import json
from collections import deque
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

KEPT = 50


@dataclass(frozen=True, slots=True)
class Received:
    """One mail or post; `html` is empty where there is none."""

    number: int
    title: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str = ""


class Inbox:
    """The last ones, the newest first."""

    def __init__(self) -> None:
        self.received: deque[Received] = deque(maxlen=KEPT)
        self._count = 0

    def mail(self, raw: bytes) -> None:
        """Keep a mail as it came over the wire."""
        parsed = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        text, page = (parsed.get_body((kind,)) for kind in ("plain", "html"))
        self._keep(
            f"Mail: {parsed['Subject']}",
            [(name, str(parsed[name])) for name in ("From", "To", "Reply-To") if parsed[name]],
            text.get_content().replace("\r\n", "\n") if text else "",
            page.get_content() if page else "",
        )

    def post(self, event: dict[str, Any], headers: dict[str, str]) -> None:
        """Keep what was posted to the webhook."""
        signed = [(name, value) for name, value in headers.items() if name.startswith("webhook-")]
        self._keep(f"Webhook: {event.get('type')}", signed, json.dumps(event, indent=2, ensure_ascii=False))

    def _keep(self, title: str, headers: list[tuple[str, str]], text: str, html: str = "") -> None:
        self._count += 1
        self.received.appendleft(Received(self._count, title, tuple(headers), text.strip(), html))
