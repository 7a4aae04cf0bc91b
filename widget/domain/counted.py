"""What is counted, each by these names: answers by state or, where not available, by reason; clicks by outcome."""

from __future__ import annotations

from widget.domain.evaluation import State
from widget.domain.readings import Reason

AVAILABLE = State.AVAILABLE.value
OPENED = "opened"
ANSWERS = (AVAILABLE, *(reason.value for reason in Reason))
CLICKS = (OPENED, *(reason.value for reason in Reason))
TICKETS = ("issued", "taken_up", "refused")
SURVEYS = ("begun", "sent", "delivered")
Count = tuple[str, str]  # group and name, as ("clicks", "opened")
COUNTS: tuple[Count, ...] = (
    *(("answers", name) for name in ANSWERS),
    *(("clicks", name) for name in CLICKS),
    *(("tickets", name) for name in TICKETS),
    *(("surveys", name) for name in SURVEYS),
)
