"""The Date of an answer is of the second in which it starts."""

from __future__ import annotations

from tests.server.conftest import ServerProcess, request
from widget.server.guard import Guard


def test_the_date_is_of_the_second_in_which_it_is_asked_for() -> None:
    now = [1_795_520_920.9]
    guard = Guard(new_id=lambda: "an-id", wall=lambda: now[0])
    before = guard.date()
    now[0] += 0.2
    assert (before, guard.date()) == (b"Tue, 24 Nov 2026 11:48:40 GMT", b"Tue, 24 Nov 2026 11:48:41 GMT")


def test_every_answer_has_one_date_refusals_too(server: ServerProcess) -> None:
    for asked in (request("/ready"), request("/slow"), request("/boom"), request("/nowhere"), b"garbage\r\n\r\n"):
        lines = server.say(asked).partition(b"\r\n\r\n")[0].split(b"\r\n")
        assert sum(line.startswith(b"date: ") for line in lines) == 1, asked
