"""A row that cannot be read holds up no other: every column damaged in every way that the database allows."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tests import settling
from tests.store.test_schema import engine
from widget.domain.outbox import Claim, MessageState, OutboxMessage, Pick, Taken
from widget.store.command_outbox import command_outbox
from widget.store.faults import StoreRefused
from widget.store.operating import Selection
from widget.store.outbox import Outbox, open_outbox
from widget.store.schema import outbox as table

pytestmark = pytest.mark.anyio

Make = Callable[..., OutboxMessage]
LEASE = timedelta(seconds=60)

_ANSWERS = {"question_id": "q", "question": "How?", "answer": "5"}
_NUMBERS = ("-1", "9223372036854775807", "-9223372036854775808", "2147483647", "NULL", "'soon'", "1.5", "x'ff'")
_TEXTS = ("NULL", "''", "7", "x'ff00'", "CAST(x'ff00' AS TEXT)", f"'{'x' * 300}'", "'\u202e'")
_ANSWER_TEXTS = (
    "not json",
    "[",
    "{}",
    "7",
    "null",
    '"text"',
    "[7]",
    "[null]",
    "[[]]",
    "[{}]",
    json.dumps([{**_ANSWERS, "answer": 5}]),
    json.dumps([{"question_id": "q", "question": "How?"}]),
    "[" * 100_000,
    "[NaN, 1e999]",
    "9" * 5000,
)


def damages() -> Iterator[tuple[str, str]]:
    """Every column with values of every type, as SQL."""
    for column in table.columns:
        values = _NUMBERS if column.type.python_type in (int, bool) else _TEXTS
        for value in values:
            yield column.name, value
    for answers in _ANSWER_TEXTS:
        yield "answers", f"'{answers}'"
    for state in ("archived", "PENDING", "dead"):
        yield "state", f"'{state}'"


def damage(url: str, number: int, column: str, value: str) -> bool:
    """Write the value into the row with this id; say whether the database took it."""
    maker = engine(url)
    try:
        with maker.begin() as connection:
            connection.exec_driver_sql(f"UPDATE ece_widget_outbox SET {column} = {value} WHERE id = {number}")
    except SQLAlchemyError:
        return False
    finally:
        maker.dispose()
    return True


async def claim_all(outbox: Outbox, clock: Any) -> Taken:
    """Claim a few at a time, each time in another order, and deliver what can be read."""
    everything = Taken([], [])
    for pick in itertools.cycle(Pick):
        taken = await outbox.claim(
            Claim(limit=40, owner="one", now=clock.now(), lease=LEASE, pick=pick, entry_point="x")
        )
        everything.messages.extend(taken.messages)
        everything.set_aside.extend(taken.set_aside)
        settled = await asyncio.gather(
            *[outbox.settle(settling.delivered(each, now=clock.now())) for each in taken.messages]
        )
        assert all(settled)
        if not taken.messages and not taken.set_aside:
            return everything
    raise AssertionError("unreachable")


async def test_whatever_stands_in_a_column_all_other_rows_are_delivered(
    outbox: Outbox, url: str, clock: Any, message: Make
) -> None:
    wanted = list(damages())
    for number in range(2 * len(wanted)):  # the rows with odd ids stay as they are
        assert await outbox.enqueue(message(number))

    def do_damage() -> dict[int, str]:
        return {
            2 * place: f"{column} = {value[:40]}"
            for place, (column, value) in enumerate(wanted, 1)
            if column != "id" and damage(url, 2 * place, column, value)
        }

    damaged = await asyncio.to_thread(do_damage)
    assert len(damaged) > 50, "the database took most of the damage"
    taken = await claim_all(outbox, clock)
    good = set(range(1, 2 * len(wanted), 2))
    assert good <= {each.id for each in taken.messages}
    assert not good & {row.id for row in taken.set_aside}
    assert all(row.reason.startswith("unreadable: ") for row in taken.set_aside)
    for_later = [what for what in damaged.values() if what.startswith(("kind", "destination"))]
    states = (await outbox.counts()).by_state
    assert states[MessageState.PENDING] + states[MessageState.LEASED] == len(for_later), "each other row was found"
    named = (await outbox.counts_of_unsettled()).waiting_for
    assert all(name.isascii() and name.isprintable() for name in named), "labels of a metric"
    await outbox.hasten(now=clock.now())
    await outbox.tidy(now=clock.now(), max_age=LEASE, retention=timedelta(hours=1))
    await claim_all(outbox, clock)
    assert sum((await outbox.counts()).by_state.values()) == 2 * len(wanted)
    assert sum((await outbox.counts_of_unsettled()).by_state.values()) <= len(damaged)

    def operate() -> None:
        with command_outbox(url) as store:
            rows = {row.id: row for row in store.rows(Selection(everything=True))}
            assert len(rows) == len(store.newest(Selection(everything=True), 10_000)) == 2 * len(wanted)
            for number, what in damaged.items():
                row = rows[number]
                settled = row.state in (MessageState.DELIVERED, MessageState.PURGED)
                later = what.startswith(("kind", "destination"))
                assert settled or later or (row.reason or "").startswith("unreadable: "), what
                assert not row.faults or (row.reason or "").startswith("unreadable: "), what
            dead = {row.id for row in rows.values() if row.state is MessageState.DEAD}
            assert set(store.set_aside(Selection(everything=True))) >= {row.id for row in taken.set_aside} & dead
            bad = Selection(ids=tuple(damaged))
            store.send_again(bad, now=clock.now())
            assert sum(store.purge(bad, now=clock.now())) <= len(damaged)
            for row in store.rows(bad):
                assert (row.state, row.answers, row.fingerprint) == (MessageState.PURGED, None, ""), damaged[row.id]

    await asyncio.to_thread(operate)


@pytest.mark.parametrize("number", [-1, 0, 2**63 - 1, -(2**63)])
async def test_a_row_with_any_number_is_delivered_and_listed(
    outbox: Outbox, url: str, clock: Any, message: Make, number: int
) -> None:
    await outbox.enqueue(message(1))
    assert await asyncio.to_thread(damage, url, 1, "id", str(number))
    assert [each.id for each in (await claim_all(outbox, clock)).messages] == [number]

    def look() -> list[int]:
        with command_outbox(url) as store:
            return [row.id for row in store.rows(Selection(everything=True))]

    assert await asyncio.to_thread(look) == [number]


@pytest.mark.parametrize("answers", [*_ANSWER_TEXTS, None])
async def test_answers_that_cannot_be_read_make_a_dead_row_that_says_so(
    outbox: Outbox, url: str, clock: Any, message: Make, answers: str | None
) -> None:
    await outbox.enqueue(message(1))
    value = "NULL" if answers is None else f"'{answers}'"
    assert await asyncio.to_thread(damage, url, 1, "answers", value)
    taken = await outbox.claim(Claim(limit=1, owner="one", now=clock.now(), lease=LEASE))
    assert taken.messages == []
    (dead,) = taken.set_aside
    assert dead.reason.startswith("unreadable: answers ")
    again = await outbox.claim(Claim(limit=1, owner="one", now=clock.now(), lease=LEASE))
    assert again.set_aside == [], "it is dead: no later claim finds it"

    def look() -> Any:
        with command_outbox(url) as store:
            assert store.set_aside(Selection(everything=True)) == [dead.id]
            (row,) = store.rows(Selection(states=(MessageState.DEAD,)))
            return row

    row = await asyncio.to_thread(look)
    assert (row.state, row.reason, row.answers) == (MessageState.DEAD, dead.reason, None)


async def test_a_state_of_a_later_release_counts_as_dead_and_is_left_as_it_is(
    outbox: Outbox, url: str, clock: Any, message: Make
) -> None:
    await outbox.enqueue(message(1))
    assert await asyncio.to_thread(damage, url, 1, "state", "'archived'")
    assert (await outbox.claim(Claim(limit=1, owner="one", now=clock.now(), lease=LEASE))).messages == []
    await outbox.tidy(now=clock.now(), max_age=timedelta(seconds=1), retention=timedelta(seconds=1))
    assert (await outbox.counts()).by_state[MessageState.DEAD] == 1
    assert (await outbox.counts_of_unsettled()).by_state[MessageState.DEAD] == 1

    def look() -> Any:
        maker = engine(url)
        with maker.connect() as connection:
            state = connection.execute(text("SELECT state FROM ece_widget_outbox")).scalar()
        maker.dispose()
        with command_outbox(url) as store:
            (row,) = store.rows(Selection(states=(MessageState.DEAD,)))
            return state, row

    state, row = await asyncio.to_thread(look)
    assert state == "archived", "the release that wrote it may run beside this one"
    assert (row.state, row.reason) == (MessageState.DEAD, "unreadable: state is none of this release")
    assert row.answers is not None


async def test_a_kind_or_a_destination_of_a_later_release_waits_for_that_release(
    outbox: Outbox, url: str, clock: Any, message: Make
) -> None:
    for number, column in enumerate(("kind", "destination"), 1):
        await outbox.enqueue(message(number))
        assert await asyncio.to_thread(damage, url, number, column, "'later'")
        taken = await outbox.claim(Claim(limit=9, owner="one", now=clock.now(), lease=LEASE))
        assert (taken.messages, taken.set_aside) == ([], [])
        assert (await outbox.counts()).by_state[MessageState.PENDING] == number


@pytest.mark.parametrize(
    "wrong", [{}, {"states": ()}, {"ids": ()}, {"everything": True, "ids": (1,)}, {"everything": True, "sid": "1"}]
)
def test_a_selection_of_all_rows_cannot_be_made_by_accident(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="everything"):
        Selection(**wrong)


async def test_a_damaged_key_of_the_hashes_is_named_and_nothing_is_promised(
    outbox: Outbox, url: str, clock: Any, message: Make
) -> None:
    await outbox.close()

    def break_key() -> None:
        maker = engine(url)
        with maker.begin() as connection:
            connection.exec_driver_sql("UPDATE ece_widget_remembered SET value = 'no key' WHERE name = 'hash_key'")
        maker.dispose()

    await asyncio.to_thread(break_key)
    with pytest.raises(StoreRefused, match="hash_key in the table ece_widget_remembered is damaged"):
        await open_outbox(url, now=clock.now)


@pytest.mark.parametrize("value", ["'ü'", "'‮'", "''", "x'ff'", "CAST(x'ff' AS TEXT)"])
async def test_a_damaged_binding_belongs_to_no_chat(outbox: Outbox, url: str, clock: Any, value: str) -> None:
    expires = clock.now() + timedelta(hours=1)
    assert await outbox.bind_ticket("ticket", "mine", expires) == "mine"

    def break_binding() -> bool:
        maker = engine(url)
        try:
            with maker.begin() as connection:
                connection.exec_driver_sql(f"UPDATE ece_widget_tickets SET sid_hash = {value}")
        except SQLAlchemyError:
            return False
        finally:
            maker.dispose()
        return True

    if await asyncio.to_thread(break_binding):
        bound = await outbox.bind_ticket("ticket", "mine", expires)
        assert isinstance(bound, str)
        assert bound != "mine"
