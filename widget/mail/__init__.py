"""Mail to the people who run the chat: what the outbox holds for the destination `smtp`."""

from widget.mail.server import MailServer, Step
from widget.mail.sink import MAIL_LIMIT, MailSink, reach

__all__ = ["MAIL_LIMIT", "MailServer", "MailSink", "Step", "reach"]
