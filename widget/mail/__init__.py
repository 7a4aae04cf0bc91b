"""Mail to the people who run the chat: what the outbox holds for the destination `smtp`."""

from widget.mail.server import MailServer, Step, session
from widget.mail.sink import MAIL_LIMIT, MailSink

__all__ = ["MAIL_LIMIT", "MailServer", "MailSink", "Step", "session"]
