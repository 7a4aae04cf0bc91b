"""Where rows go beside ECE: a mail server and webhooks. Imported only where the settings name one."""

from __future__ import annotations

from widget.application.clock import Clock
from widget.application.delivery import Destination, NoGate
from widget.domain.outbox import SMTP, WEBHOOKS
from widget.mail import MAIL_LIMIT, MailSink
from widget.services.rendering import load_pages
from widget.settings import Settings
from widget.web.messages.mails import MailRenderer
from widget.web.pages.pages import Pages
from widget.webhooks import WEBHOOK_LIMIT, WebhookSink

SENDERS = 2  # to a mail server or a webhook at the same time; few like more from one client


class OtherDestinations:
    """The mail server and the webhooks: each has a pace and slots of its own, so that none holds up surveys.

    Mails are made of templates: of `pages`, or of those loaded here.
    """

    def __init__(self, settings: Settings, pages: Pages | None, clock: Clock) -> None:
        self.destinations: list[Destination] = []
        if settings.smtp is not None:
            mail = MailSink(settings.smtp, MailRenderer(pages or load_pages(settings, clock)))
            self.destinations.append(Destination(SMTP, mail, NoGate(), concurrency=SENDERS, send_limit=MAIL_LIMIT))
        self._webhooks = {name: WebhookSink(each) for name, each in settings.webhooks.items()}
        for name, sink in self._webhooks.items():
            self.destinations.append(
                Destination(f"{WEBHOOKS}{name}", sink, NoGate(), concurrency=SENDERS, send_limit=WEBHOOK_LIMIT)
            )

    async def aclose(self) -> None:
        """Close every connection."""
        for sink in self._webhooks.values():
            await sink.aclose()
