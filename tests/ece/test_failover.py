"""When ECE's host is looked up anew."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from widget.domain.errors import EceBusy, EceError, EceGatewayDown, EceStatus, EceTimeout, EceUnreadable
from widget.domain.readings import Call, Capacity, ChatAllowed, Reading, Reason
from widget.ece.failover import Failover

YES = ChatAllowed(True)


@dataclass
class Connections:
    renewed: int = 0

    def renew(self, *, older_than: float) -> None:
        assert older_than > 0, "one that was made just now leads where the name leads"
        self.renewed += 1


def renewed(*outcomes: tuple[Call, int, Reading | EceError]) -> int:
    connections = Connections()
    failover = Failover(connections)
    for outcome in outcomes:
        failover.heard(*outcome)
    return connections.renewed


def test_service_not_running_is_reason_enough() -> None:
    closed = ChatAllowed(False, Reason.SERVICE_NOT_RUNNING)
    assert renewed((Call.CHAT_ALLOWED, 1, YES), (Call.CHAT_ALLOWED, 2, closed)) == 1


@pytest.mark.parametrize("reason", [each for each in Reason if each is not Reason.SERVICE_NOT_RUNNING])
def test_another_reason_to_be_closed_is_none(reason: Reason) -> None:
    assert renewed((Call.CHAT_ALLOWED, 1, ChatAllowed(False, reason))) == 0


@pytest.mark.parametrize("error", [EceTimeout(), EceStatus("500", status=500), EceGatewayDown(), EceUnreadable("x")])
def test_a_failure_counts_once_every_entry_point_fails(error: EceError) -> None:
    well: list[tuple[Call, int, Reading | EceError]] = [(Call.CHAT_ALLOWED, 1, YES), (Call.CHAT_ALLOWED, 2, YES)]
    assert renewed(*well, (Call.CHAT_ALLOWED, 1, error)) == 0
    assert renewed(*well, (Call.CHAT_ALLOWED, 1, error), (Call.CHAT_ALLOWED, 2, error)) == 1


def test_a_call_that_always_fails_beside_others_that_do_not_renews_nothing() -> None:
    failing = (Call.CAPACITY, 1, EceStatus("500", status=500))
    assert renewed((Call.CHAT_ALLOWED, 1, YES), failing, (Call.CHAT_ALLOWED, 1, YES), failing) == 0


def test_once_one_is_well_again_the_connections_stay() -> None:
    error = EceTimeout()
    outcomes: list[tuple[Call, int, Reading | EceError]] = [
        (Call.CHAT_ALLOWED, 1, error),
        (Call.CAPACITY, 1, Capacity(1)),
        (Call.CHAT_ALLOWED, 1, error),
    ]
    assert renewed(*outcomes) == 1


def test_our_own_limit_says_nothing_about_the_host() -> None:
    assert renewed((Call.CHAT_ALLOWED, 1, EceBusy())) == 0
