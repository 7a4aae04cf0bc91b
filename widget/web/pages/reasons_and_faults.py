"""What a visitor reads for each reason and each fault, in English as the catalogs know it.

Every reason has a text of its own: after a page that says only "not available" a visitor cannot tell whether to wait.
"""

from __future__ import annotations

from typing import NamedTuple

from widget.domain.readings import Reason
from widget.texts import marked as _


class Words(NamedTuple):
    """A heading, a sentence that says why, and what to do now."""

    heading: str
    why: str
    advice: str


_SOON = _("Please try again in a few minutes.")
_LATER = _("Please try again later.")
_BUSY, _CLOSED, _AWAY = _("Chat is busy"), _("Chat is closed"), _("Chat is not available")

REASONS: dict[Reason, Words] = {
    Reason.QUEUE_DEPTH_REACHED: Words(
        _BUSY, _("So many people are waiting that no one else can join the queue."), _SOON
    ),
    Reason.QUEUE_TOO_DEEP: Words(_BUSY, _("The queue is too long to take another chat right now."), _SOON),
    Reason.WAIT_TOO_LONG: Words(_BUSY, _("The wait is too long to take another chat right now."), _SOON),
    Reason.NO_CAPACITY: Words(_BUSY, _("No one is free to take another chat right now."), _SOON),
    Reason.AGENT_NOT_AVAILABLE: Words(_AWAY, _("There is no one here to chat right now."), _LATER),
    Reason.OUTSIDE_HOURS: Words(_CLOSED, _("We are not here at this time."), ""),
    Reason.SWITCHED_OFF: Words(_CLOSED, _("Chat is switched off for now."), _LATER),
    Reason.SERVICE_NOT_RUNNING: Words(_AWAY, _("The chat service is not running at the moment."), _LATER),
    Reason.INVALID_ENTRY_POINT: Words(_AWAY, _("This chat is not set up correctly. The fault is on our side."), _LATER),
    Reason.ENTRY_POINT_INACTIVE: Words(_AWAY, _("This chat is not in use at the moment."), _LATER),
    Reason.OTHER: Words(_AWAY, _("Chat cannot be offered at the moment."), _LATER),
    Reason.ECE_UNREACHABLE: Words(
        _("Chat cannot be reached"), _("We cannot find out whether anyone is here to chat right now."), _SOON
    ),
}

# For what a form sent: a link would ask for the address anew, and lose what was in the form.
SEND_AGAIN = _("Reload this page to send it again.")
_PROBLEM = Words(_("That did not work"), _("The request could not be understood."), _("Please go back and try again."))
_STATUS = {
    404: Words(_("Page not found"), _("There is nothing at this address."), _("Please check the link you followed.")),
    429: Words(
        _("One moment, please"),
        _("There were too many requests from your network in a short time."),
        _("Please try again in a minute."),
    ),
    500: Words(_("Something went wrong"), _("The fault is on our side."), _SOON),
    503: Words(_("Not available right now"), _("The service is busy or being restarted."), _SOON),
}
_CODE = {
    "unknown_entry_point": Words(
        _("This chat does not exist"),
        _("The page you came from links to a chat that is not set up here."),
        _("Please tell the people who run that page."),
    ),
}


def words_for_reason(reason: Reason | None) -> Words:
    return REASONS[reason or Reason.OTHER]


def words_for_fault(status: int, code: str) -> Words:
    """Choose by the code where it says more than the status, then by the status, then by its class."""
    return _CODE.get(code) or _STATUS.get(status) or (_STATUS[500] if status >= 500 else _PROBLEM)


def can_try_again(status: int) -> bool:
    """Return whether the same address may succeed a little later."""
    return status == 429 or status >= 500
