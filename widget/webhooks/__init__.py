"""Webhooks: rows of the outbox, posted to an address of the operator's and signed."""

from widget.webhooks.sink import WEBHOOK_LIMIT, WebhookSink

__all__ = ["WEBHOOK_LIMIT", "WebhookSink"]
