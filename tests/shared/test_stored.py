"""Whatever stands under our keys on the shared server, of any type, counts as absent or is in range."""

from __future__ import annotations

import json
import socket
from math import isfinite
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared.conftest import FRESH_FOR, Fleet
from tests.shared_server import SharedServerProcess
from tests.waiting import PATIENCE, until
from widget.domain.breaker import LONGEST_PERIOD, SPREAD, Breaker, Closed, HalfOpen, Open
from widget.domain.evaluation import Evaluation, LimitMemory, State
from widget.domain.fleet import Lease, RoundResult
from widget.domain.policy import Policy
from widget.domain.readings import Call, Reason
from widget.shared.stored import (
    breaker_text,
    calls_text,
    evaluations_text,
    read_breaker,
    read_calls,
    read_evaluations,
    read_moment,
)

MOMENT = 1000.0
FARTHEST = MOMENT + LONGEST_PERIOD * (1 + SPREAD)
# One for each way to be no number, no text and no structure that we wrote.
HAZARDS = (
    *("1e999", "-1e999", "NaN", "Infinity", "-1", "0", "1.5", "9" * 5000, "-" + "9" * 5000, "1e17", '"1"', "true"),
    *("null", "[]", "{}", '""', "[" * 50_000, '{"a":' * 5_000, '"\\ud800"', "", "nonsense", "[1,2]", '{"until":{}}'),
    *('{"until":1e999,"period":5}', '{"since":-1e999,"period":5}', '{"failures":1e999}', '{"chatAllowed":7}'),
    *('{"until":5,"period":"9"}', '{"failures":' + "9" * 5000 + "}", '{"chatAllowed":{"until":1e400}}'),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
EVALUATION = Evaluation(State.UNAVAILABLE, Reason.QUEUE_TOO_DEEP, 180, 9, 4, near_limit=True)
MEMORY = LimitMemory(Reason.QUEUE_TOO_DEEP, 1)
STORED = json.loads(evaluations_text({"sales": (EVALUATION, MEMORY)}))["sales"]


def seconds(server_time: float) -> float:
    return server_time / 1_000_000


def microseconds(moment: float) -> float:
    return moment * 1_000_000


def is_bounded(state: Breaker) -> bool:
    match state:
        case Open(until=until, period=period):
            return isfinite(until) and until <= FARTHEST and 0 < period <= LONGEST_PERIOD
        case HalfOpen(since=since, period=period):
            return isfinite(since) and since <= MOMENT and 0 < period <= LONGEST_PERIOD
        case Closed(failures=failures):
            return 0 <= failures < 5


def check_text(text: str) -> None:
    for evaluation, memory in (*read_evaluations(text).values(), *read_evaluations(f'{{"sales":{text}}}').values()):
        assert evaluation.state is not State.UNKNOWN
        numbers = (evaluation.wait_time, evaluation.queue_depth, evaluation.capacity)
        assert all(each is None or 0 <= each < 2**63 for each in numbers)
        assert 0 <= memory.within < 2
    assert is_bounded(read_breaker(text, seconds, MOMENT))
    assert all(is_bounded(state) for state in read_calls(text, seconds, MOMENT).values())
    moment = read_moment(text)
    assert moment is None or 0 <= moment <= 10**17


@pytest.mark.parametrize("text", HAZARDS, ids=range(len(HAZARDS)))
def test_a_hazard_is_read_as_absent_or_in_range(text: str) -> None:
    check_text(text)


@given(JSON.map(json.dumps) | st.text())
def test_any_text_is_read_as_absent_or_in_range(text: str) -> None:
    check_text(text)


@given(st.sampled_from([(part, field) for part, fields in enumerate(STORED) for field in fields]), JSON)
def test_an_evaluation_with_any_field_replaced_is_absent_or_in_range(replaced: tuple[int, str], value: Any) -> None:
    part, field = replaced
    check_text(json.dumps([each | {field: value} if at == part else each for at, each in enumerate(STORED)]))


@given(st.sampled_from(("until", "since", "period", "failures")), JSON)
def test_a_breaker_with_any_field_replaced_is_the_first_state_or_in_range(field: str, value: Any) -> None:
    text = json.dumps({"until": microseconds(MOMENT), "period": 5.0} | {field: value})
    check_text(text)
    check_text(f'{{"chatAllowed":{text}}}')


@pytest.mark.parametrize("state", [Closed(), Closed(3), Open(1004.5, 5.0), HalfOpen(999.0, 10.0)])
def test_what_was_written_is_read(state: Breaker) -> None:
    assert read_breaker(breaker_text(state, microseconds), seconds, MOMENT) == state
    assert read_calls(calls_text({Call.CAPACITY: state}, microseconds), seconds, MOMENT) == {Call.CAPACITY: state}
    assert read_evaluations(evaluations_text({"sales": (EVALUATION, MEMORY)})) == {"sales": (EVALUATION, MEMORY)}


def store(server: SharedServerProcess, *words: str) -> None:
    """Send a command whose words may hold any bytes."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        encoded = [word.encode("utf-8", "surrogateescape") for word in words]
        connection.sendall(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in encoded))
        assert not connection.recv(1000).startswith(b"-")


def keys_of(server: SharedServerProcess) -> tuple[str, str]:
    """Return the names of the record and its lease."""
    found = [line for line in server.say("KEYS", "*").split("\r\n") if ":entry-point:" in line]
    record = next(iter(found)).removesuffix(":lease")
    return record, f"{record}:lease"


def host_key(server: SharedServerProcess) -> str:
    return next(line for line in server.say("KEYS", "*").split("\r\n") if ":host:" in line)


@pytest.mark.anyio
@pytest.mark.parametrize("field", ["taken", "evaluations", "found_in", "ended", "failed", "calls", "host", "lease"])
async def test_a_fleet_with_any_stored_field_replaced_answers_at_once_and_as_ece_says(
    fleet: Fleet, server: SharedServerProcess, field: str
) -> None:
    first = fleet.member()
    await first.visit()
    await first.shared.change_host(lambda host: Closed(1))
    (record, lease), host = keys_of(server), host_key(server)
    for value in (*HAZARDS, "\udcff\udcfe"):
        if field == "host":
            store(server, "SET", host, value)
        elif field == "lease":
            store(server, "DEL", record)
            store(server, "SET", lease, value, "PX", "50")
        else:
            store(server, "HSET", record, field, value)
            store(server, "DEL", lease)
        newcomer = fleet.member()
        begun = newcomer.monotonic()
        assert await newcomer.visit() is State.AVAILABLE, value[:40]
        assert newcomer.monotonic() - begun < first.shared.longest_round, "it waits for nobody"
        assert not newcomer.notes.crashes
        assert not newcomer.link.away
        await newcomer.availability.aclose()
        await newcomer.link.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize("which", [0, 1, 2])
async def test_a_key_of_another_type_is_replaced_and_the_server_counts_as_there(
    fleet: Fleet, server: SharedServerProcess, which: int
) -> None:
    first = fleet.member()
    await first.visit()
    await first.shared.change_host(lambda host: Closed(1))
    stored = (*keys_of(server), host_key(server))
    store(server, "DEL", *stored)
    store(server, "RPUSH", stored[which], "a", "b")
    newcomer = fleet.member()
    assert await newcomer.visit() is State.AVAILABLE
    assert not newcomer.link.away
    assert not newcomer.notes.crashes


@pytest.mark.anyio
async def test_a_lease_without_an_end_holds_the_fleet_up_for_the_longest_round_at_most(
    fleet: Fleet, server: SharedServerProcess
) -> None:
    first, second = fleet.member(), fleet.member()
    await first.visit()
    _, lease = keys_of(server)
    for command in (("SET", lease, "nobody"), ("SET", lease, "nobody", "EX", "99999")):
        await until(lambda: second.age >= FRESH_FOR)
        store(server, *command)
        await second.visit()
        assert second.age < FRESH_FOR + 1, "it asked, at the latest after the longest round"
        left = int(server.say("PTTL", lease).strip(":\r\n"))
        assert left <= first.shared.longest_round * 1000


class EndlessLeases:
    """A shared state whose clock stands still: another process' lease never ends."""

    longest_round = 0.3

    async def take_lease(self, entry_point: str) -> Lease | None:
        return Lease("theirs", held=False, over=False, failed=False, ends=float("inf"))

    async def report(self, entry_point: str, lease: Lease, result: RoundResult) -> bool | None:
        return True

    async def release(self, entry_point: str, lease: Lease) -> bool | None:
        return True

    async def change_host(self, change: Any) -> Breaker | None:
        return None


class CrashingState(EndlessLeases):
    """A shared state with a fault of ours."""

    async def take_lease(self, entry_point: str) -> Lease | None:
        raise OverflowError("cannot convert float infinity to integer")


@pytest.mark.anyio
@pytest.mark.parametrize("shared", [EndlessLeases(), CrashingState()])
async def test_a_process_asks_for_itself_when_a_shared_round_crashes_or_outlasts_the_longest_by_its_own_clock(
    fleet: Fleet, shared: EndlessLeases
) -> None:
    member = fleet.member(policy=Policy("sales"), shared=shared)
    assert await member.visit() is State.AVAILABLE
    assert fleet.ece.count() == 1
