"""Why a delivery or a call to ECE failed, in words; the code that logs and commands name stands behind them."""

from __future__ import annotations

import re

from widget.domain.retry import TOO_OLD
from widget.texts import marked as _
from widget.web.console.wording import Wording

_AFTER_THE_CODE = re.compile("[^a-z_]")
_GIVEN_UP = _("Tried for too long")
_WORDS = {
    "not_delivered": _("It was not delivered"),
    "ece_failed": _("The call to ECE failed"),
    "ece_unreachable": _("ECE cannot be reached"),
    "ece_refused": _("ECE takes no connection"),
    "ece_no_route": _("No way leads to ECE's address"),
    "ece_no_such_host": _("The name of ECE's host leads to no address"),
    "ece_timeout": _("ECE did not answer in time"),
    "ece_reset": _("The connection to ECE broke"),
    "ece_tls": _("ECE's certificate was refused, or no TLS could be agreed on"),
    "ece_gateway": _("A gateway in front of ECE says that ECE is down"),
    "ece_status": _("ECE answered with an error"),
    "ece_redirect": _("ECE sent the call to another address"),
    "ece_unreadable": _("ECE's answer cannot be read"),
    "ece_busy": _("Too many calls to ECE were under way"),
    "ece_unsendable": _("It cannot be written as XML"),
    "mail_failed": _("The mail server did not take it"),
    "mail_server_down": _("The mail server serves nobody"),
    "webhook_failed": _("The webhook's receiver did not take it"),
    "webhook_down": _("The webhook's receiver serves nobody"),
}


def in_words(reason: str, wording: Wording) -> str:
    """Return a reason as a person on duty reads it; one of no known code as it is."""
    if reason.startswith(TOO_OLD):
        return f"{wording.say(_GIVEN_UP)}: {in_words(reason.removeprefix(TOO_OLD), wording)}"
    words = _WORDS.get(_AFTER_THE_CODE.split(reason)[0])
    return reason if words is None else f"{wording.say(words)} ({reason})"
