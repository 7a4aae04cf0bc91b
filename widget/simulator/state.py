"""The world as JSON, for the control page and for tests."""

from __future__ import annotations

from typing import Any

from widget.simulator.surveys import ReceivedSurvey
from widget.simulator.world import EntryPoint, World


def state(world: World) -> dict[str, Any]:
    """Return everything that the control page shows."""
    return {
        "service_running": world.service_running,
        "entry_points": {str(each.id): entry_point(each, world.refusal(each)) for each in world.entry_points.values()},
        "faults": {
            call: {"kind": str(fault.kind), "seconds": fault.seconds, "times": fault.times}
            for call, fault in world.faults.items()
        },
        "calls": {
            call: {
                "received": traffic.received,
                "under_way": traffic.under_way,
                "peak": traffic.peak,
                "statuses": {str(status): count for status, count in sorted(traffic.statuses.items())},
            }
            for call, traffic in world.traffic.items()
        },
        "wire": world.wire.model_dump(),
        "surveys_received": world.surveys_received,
        "complaints": [{"at": each.at.isoformat(), "call": each.call, "what": each.what} for each in world.complaints],
        "chats": len(world.chats),
    }


def entry_point(each: EntryPoint, closed: str | None) -> dict[str, Any]:
    """Return what the control page shows of one entry point; `closed` says why it takes no chats, None if it does."""
    queue = each.queue
    return {
        "id": each.id,
        "name": each.name,
        "note": each.note,
        "open": closed is None,
        "closed_because": None if closed is None else str(closed),
        "agents": queue.agents,
        "available_agents": queue.available_agents,
        "slots_per_agent": queue.slots_per_agent,
        "slots": queue.slots,
        "free_slots": queue.free_slots,
        "running": len(queue.running),
        "waiting": len(queue.waiting),
        "queue_depth": each.depth,
        "wait_time": each.wait,
        "handling_time": queue.handling_time,
        "arrivals_per_minute": queue.arrivals_per_minute,
        "patience": queue.patience,
        "max_chats": queue.max_chats,
        "agents_required": queue.agents_required,
        "active": queue.active,
        "away": queue.away,
        "frozen": queue.frozen,
        "fixed_wait": each.fixed_wait,
        "fixed_depth": each.fixed_depth,
        "forced_reason": each.forced_reason,
        "arrived": queue.arrived,
        "served": queue.served,
        "given_up": queue.given_up,
        "refused": queue.refused,
    }


def survey_as_json(survey: ReceivedSurvey) -> dict[str, Any]:
    """Return one received survey. `raw` is the body as text if it is UTF-8; `raw_hex` is always there."""
    return {
        "at": survey.at.isoformat(),
        "path": survey.path,
        "content_type": survey.content_type,
        "sid": survey.sid,
        "namespace": survey.namespace,
        "pairs": [{"question": question, "answer": answer} for question, answer in survey.pairs],
        "accepted": survey.accepted,
        "faults": list(survey.faults),
        "raw": survey.raw.decode("utf-8", "replace"),
        "raw_hex": survey.raw.hex(),
    }
