"""In which form a survey goes to ECE: two paths, two formats, and how to find the one that an installation takes.

The guide (section 14) has one path and no namespace; the vendor's own chat template uses another path and a namespace.
So the guide's form goes first, and the next is tried only when an answer definitely refuses this one:

    404, 405            the path: every form on it is left out
    400, 413, 415, 422  the form
    500                 the form too, but only while ECE never took a survey from us: afterwards it is just a failure
    anything else       says nothing about the form

What was accepted goes first from then on, with the others behind it for the day when ECE is upgraded.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple

GUIDE_PATH = "/egain/chat/endpoint/survey"
TEMPLATE_PATH = "/egain/chat/entrypoint/survey"

_PATH_REFUSED = frozenset({404, 405})
_FORM_REFUSED = frozenset({400, 413, 415, 422})


class Format(StrEnum):
    PLAIN = "plain"
    NAMESPACE = "namespace"


class Dialect(NamedTuple):
    """One form of the survey call: where it goes, and whether its elements are in the vendor's namespace."""

    path: str
    format: Format

    def __str__(self) -> str:
        return f"{self.path} {self.format}"


class Refusal(NamedTuple):
    dialect: Dialect
    status: int


class Negotiation(NamedTuple):
    """One survey on its way: the forms still to try, the first of which is sent next, and those that were refused."""

    waiting: tuple[Dialect, ...]
    accepted: Dialect | None = None
    refusals: tuple[Refusal, ...] = ()

    def __str__(self) -> str:
        return "; ".join(f"{refusal.status} for {refusal.dialect}" for refusal in self.refusals)


def candidates(survey_path: str, survey_format: Literal["auto", "plain", "namespace"]) -> tuple[Dialect, ...]:
    """List the forms that the settings allow, the guide's first."""
    paths = (GUIDE_PATH, TEMPLATE_PATH) if survey_path == "auto" else (survey_path,)
    formats = tuple(Format) if survey_format == "auto" else (Format(survey_format),)
    return tuple(Dialect(path, form) for path in paths for form in formats)


def negotiation(allowed: tuple[Dialect, ...], accepted: Dialect | None) -> Negotiation:
    """Start with what ECE accepted before, if the settings still allow it, then the others in their order."""
    if accepted not in allowed:
        return Negotiation(allowed)
    return Negotiation((accepted, *(each for each in allowed if each != accepted)), accepted)


def refused(state: Negotiation, status: int) -> Negotiation | None:
    """Return what is left to try after this status to the form just sent, or None when it refuses no form."""
    sent = state.waiting[0]
    if status in _PATH_REFUSED:
        waiting = tuple(each for each in state.waiting if each.path != sent.path)
    elif status in _FORM_REFUSED or (status == 500 and state.accepted is None):
        waiting = state.waiting[1:]
    else:
        return None
    return Negotiation(waiting, state.accepted, (*state.refusals, Refusal(sent, status)))


def is_permanent(state: Negotiation) -> bool:
    """Return whether every form was refused for what the survey is, so that sending it again cannot help.

    A restarting ECE answers 404 on paths that it has, and 500 may pass. So where a form was accepted before, its own
    answer decides; where none was, one refusal of the form does, unless a 500 leaves it open.
    """
    if state.waiting or not state.refusals:
        return False
    if state.accepted is not None:
        return state.refusals[0].status in _FORM_REFUSED
    statuses = {refusal.status for refusal in state.refusals}
    return bool(statuses & _FORM_REFUSED) and 500 not in statuses


def remembered(base_url: str, accepted: Dialect) -> str:
    """Write down what `base_url` accepted; another ECE has to be asked anew."""
    return f"{base_url} {accepted}"


def recalled(text: str | None, base_url: str, allowed: tuple[Dialect, ...]) -> Dialect | None:
    """Read what `remembered` wrote, or return None when it is of another ECE, not allowed any more, or no such text."""
    return next((each for each in allowed if text == remembered(base_url, each)), None)
