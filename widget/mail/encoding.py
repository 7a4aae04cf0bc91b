"""From its content to the bytes of a mail (RFC 5322), whatever a visitor typed.

Every header field that holds a visitor's words is made of encoded words (RFC 2047) unless it consists of letters,
digits and a few marks: a text that merely looks like an encoded word would else be decoded by whoever reads the mail.
Encoded words hold no line end, and the standard library folds between them.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.charset import QP, Charset
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import format_datetime

from widget.domain.contact import in_ascii
from widget.domain.message import MailContent

_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 '-]*[A-Za-z0-9])?")
_WIRE = compat32.clone(linesep="\r\n", max_line_length=76)
_UTF_8 = Charset("utf-8")
_UTF_8.body_encoding = QP  # can be read in the raw mail, and keeps blanks at the ends of lines
LONGEST_SUBJECT = 200  # characters


def as_bytes(content: MailContent, *, key: str, sender: str, to: tuple[str, ...], written: datetime) -> bytes:
    """Return the mail as it goes over the wire. `written` is the moment at which it was left."""
    mail = MIMEMultipart("alternative", boundary=f"=_{key[:32]}")  # of the key: the same bytes at each sending
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    if content.reply_to is not None and (address := in_ascii(content.reply_to[1])):
        mail["Reply-To"] = _mailbox(content.reply_to[0], address)
    mail["Subject"] = _encoded(" ".join(content.subject.split())[:LONGEST_SUBJECT], "Subject")
    mail["Date"] = format_datetime(written)
    # The same at each sending, so that mail programs recognise a repeat.
    mail["Message-ID"] = f"<{key[:32]}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence note answers it
    mail["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    mail.attach(_part("plain", content.text))
    mail.attach(_part("html", content.html))
    return mail.as_bytes(policy=_WIRE)


def _mailbox(name: str, address: str) -> str:
    """Return name and address. A long name is one word too, as `email.utils.formataddr` has it.

    Several words would be within RFC 2047, but readers that keep the blank between them, as Python's own parser does in
    a phrase, would show a name that nobody typed.
    """
    if not name:
        return address
    return f"{name if _is_plain(name) else _UTF_8.header_encode(name)} <{address}>"


def _encoded(text: str, field: str) -> str:
    return Header(text, "us-ascii" if _is_plain(text) else "utf-8", header_name=field).encode(maxlinelen=76)


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and "  " not in text and len(text) < 60


def _part(kind: str, text: str) -> MIMENonMultipart:
    part = MIMENonMultipart("text", kind)
    part.set_payload(text, _UTF_8)
    return part
