"""What becomes of a claimed row, as the delivery loop tells the outbox."""

from __future__ import annotations

from datetime import datetime

from widget.domain.outbox import ClaimedMessage, MessageState, Settlement


def delivered(claimed: ClaimedMessage, *, now: datetime) -> Settlement:
    return Settlement(claimed, MessageState.DELIVERED, claimed.attempts + 1, settled_at=now)


def dead(claimed: ClaimedMessage, *, now: datetime, reason: str) -> Settlement:
    return Settlement(claimed, MessageState.DEAD, claimed.attempts + 1, settled_at=now, reason=reason)


def retried(
    claimed: ClaimedMessage,
    *,
    next_attempt_at: datetime,
    reason: str,
    waits_for_destination: bool = False,
    possible_double: bool = False,
) -> Settlement:
    return Settlement(
        claimed,
        MessageState.PENDING,
        claimed.attempts + 1,
        next_attempt_at=next_attempt_at,
        reason=reason,
        waits_for_destination=waits_for_destination,
        possible_double=possible_double,
    )


def released(claimed: ClaimedMessage) -> Settlement:
    return Settlement(claimed, MessageState.PENDING, claimed.attempts)
