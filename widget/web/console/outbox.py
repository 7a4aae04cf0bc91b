"""`/console/outbox`: what waits, what is dead and why; send again and purge, each after a question."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from widget import telemetry
from widget.domain.outbox import ECE, LARGEST_ROW, SMTP, MessageState, OutboxCounts, OutboxRow, RowKind
from widget.texts import marked as _
from widget.web.console.failures import in_words
from widget.web.console.sign_in import SignIn, Visit, see
from widget.web.console.states import Badge
from widget.web.console.wording import Wording

ROWS = 50
_BADGES = {
    MessageState.PENDING: Badge("waiting", _("Waiting")),
    MessageState.LEASED: Badge("leased", _("Being sent")),
    MessageState.DELIVERED: Badge("open", _("Delivered")),
    MessageState.DEAD: Badge("closed", _("Dead")),
    MessageState.PURGED: Badge("off", _("Purged")),
}
_ABOUT = {
    None: _("Surveys, messages and alerts are kept here until they have arrived, whatever happens to this server."),
    MessageState.PENDING: _("These wait for their next attempt, which comes by itself."),
    MessageState.LEASED: _("These are on their way at this moment."),
    MessageState.DELIVERED: _("These arrived. storage.retention says how long they are kept."),
    MessageState.DEAD: _(
        "These were refused for good, or tried for too long, and are not tried again by themselves. Mend what the "
        "reason names, then send them again."
    ),
    MessageState.PURGED: _("Who these are from and what was written is gone for good."),
}
_DESTINATIONS = {ECE: "ECE", SMTP: _("Mail server")}
_KINDS = {
    RowKind.SURVEY.value: _("Survey"),
    RowKind.MESSAGE.value: _("Message"),
    RowKind.ALERT.value: _("Alert"),
}


class OutboxRows(Protocol):
    """What this needs of the outbox; raises OutboxUnavailable. `store.console_outbox` says what each does."""

    async def counts(self) -> OutboxCounts: ...

    async def newest(
        self, state: MessageState | None, limit: int, *, before: int | None = None
    ) -> tuple[OutboxCounts, list[OutboxRow]]: ...

    async def row(self, ident: int) -> OutboxRow | None: ...

    async def send_again(self, ident: int | None) -> int: ...

    async def purge(self, ident: int) -> int: ...


class Tab(NamedTuple):
    """One state to choose; `state` is empty for all rows."""

    state: str
    badge: Badge | None
    number: int
    chosen: bool


class RowView(NamedTuple):
    """One row in words; `answers` are its questions and answers, None where they were purged or cannot be read."""

    id: int
    badge: Badge
    chat: str
    entry_point: str
    kind: str
    survey: str
    destination: str
    accepted: str
    attempts: int
    next_attempt: str
    settled: str
    reason: str
    possible_doubles: int
    faults: tuple[str, ...]
    answers: tuple[tuple[str, str], ...] | None
    may_send_again: bool
    may_purge: bool


class OutboxPages:
    """Pages over the rows; `destinations` are those that the settings have."""

    def __init__(self, sign_in: SignIn, rows: OutboxRows, destinations: Collection[str]) -> None:
        self._sign_in, self._rows, self._destinations = sign_in, rows, destinations

    def routes(self) -> list[Route]:
        page, form = self._sign_in.page, self._sign_in.form
        return [
            Route("/console/outbox", page(self.list, "outbox"), methods=["GET"]),
            Route("/console/outbox/retry", page(self.ask_for_all, "outbox"), methods=["GET"]),
            Route("/console/outbox/retry", form(self.retry_all, "outbox"), methods=["POST"]),
            Route("/console/outbox/{row}", page(self.show, "outbox"), methods=["GET"]),
            Route("/console/outbox/{row}/retry", page(self.ask_to_retry, "outbox"), methods=["GET"]),
            Route("/console/outbox/{row}/retry", form(self.retry, "outbox"), methods=["POST"]),
            Route("/console/outbox/{row}/purge", page(self.ask_to_purge, "outbox"), methods=["GET"]),
            Route("/console/outbox/{row}/purge", form(self.purge, "outbox"), methods=["POST"]),
        ]

    async def list(self, visit: Visit) -> Response:
        """Show the newest rows of a state, or of all."""
        chosen = next((state for state in MessageState if state.value == visit.asked("state")), None)
        counts, rows = await self._rows.newest(chosen, ROWS + 1, before=_id(visit.asked("before")))
        wording = visit.wording
        oldest = counts.oldest_waiting
        tabs = [Tab("", None, sum(counts.by_state.values()), chosen is None)]
        tabs += [Tab(state, _BADGES[state], counts.by_state.get(state, 0), state is chosen) for state in MessageState]
        return self._sign_in.pages.page(
            "outbox.html",
            visit.frame,
            tabs=tabs,
            chosen=chosen.value if chosen else "",
            about=wording.say(_ABOUT[chosen]),
            rows=[_view(row, wording) for row in rows[:ROWS]],
            oldest=wording.duration((wording.now - oldest).total_seconds()) if oldest else "",
            undeliverable=counts.undeliverable(self._destinations).items(),
            possible_doubles=counts.possible_doubles,
            dead=counts.by_state.get(MessageState.DEAD, 0),
            older=rows[ROWS - 1].id if len(rows) > ROWS else 0,  # the next page has those before it
            zone=wording.zone_name,
        )

    async def show(self, visit: Visit) -> Response:
        """Show one row with its answers."""
        row = _view(await self._row(visit), visit.wording)
        return self._sign_in.pages.page("row.html", visit.frame, row=row, zone=visit.wording.zone_name)

    async def ask_for_all(self, visit: Visit) -> Response:
        """Ask before every dead row is sent again."""
        dead = (await self._rows.counts()).by_state.get(MessageState.DEAD, 0)
        return self._question(visit, "retry", None, dead)

    async def retry_all(self, visit: Visit) -> Response:
        """Send every dead row again."""
        rows = await self._rows.send_again(None)
        telemetry.logger().info("console_rows_sent_again", rows=rows, row=None, by=visit.person.who)
        return see("/console/outbox?state=pending")

    async def ask_to_retry(self, visit: Visit) -> Response:
        """Ask before a row is sent again."""
        row = await self._row(visit)
        dead = row.state is MessageState.DEAD  # else somebody sent or purged it meanwhile
        return self._question(visit, "retry", row, 1) if dead else see(f"/console/outbox/{row.id}")

    async def retry(self, visit: Visit) -> Response:
        """Send a row again; one that is no longer dead stays as it is."""
        row = await self._row(visit)
        rows = await self._rows.send_again(row.id)
        telemetry.logger().info("console_rows_sent_again", rows=rows, row=row.id, by=visit.person.who)
        return see(f"/console/outbox/{row.id}")

    async def ask_to_purge(self, visit: Visit) -> Response:
        """Ask before the answers of a row are forgotten."""
        row = await self._row(visit)
        purged = row.state is MessageState.PURGED
        return see(f"/console/outbox/{row.id}") if purged else self._question(visit, "purge", row, 1)

    async def purge(self, visit: Visit) -> Response:
        """Forget the answers of a row for good."""
        row = await self._row(visit)
        await self._rows.purge(row.id)
        telemetry.logger().info("console_row_purged", row=row.id, by=visit.person.who)
        return see(f"/console/outbox/{row.id}")

    def _question(self, visit: Visit, act: str, row: OutboxRow | None, number: int) -> Response:
        """Return the page that asks about a row, or about the `number` of rows that are dead."""
        summary = "" if row is None else _summary(_view(row, visit.wording))
        return self._sign_in.pages.page(
            "outbox_question.html", visit.frame, act=act, row=row.id if row else 0, number_of=number, summary=summary
        )

    async def _row(self, visit: Visit) -> OutboxRow:
        ident = _id(visit.request.path_params["row"])
        row = None if ident is None else await self._rows.row(ident)
        if row is None:
            raise HTTPException(404)
        return row


def _id(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return number if 0 < number <= LARGEST_ROW else None


def _summary(row: RowView) -> str:
    kind = f"{row.kind} {row.survey}".strip()
    return " · ".join(part for part in (kind, row.entry_point, row.accepted) if part)


def _view(row: OutboxRow, wording: Wording) -> RowView:
    return RowView(
        id=row.id,
        badge=_BADGES[row.state],
        chat=row.fingerprint,
        entry_point=row.entry_point,
        kind=wording.say(_KINDS.get(row.kind, row.kind)),
        survey=row.survey,
        destination=wording.say(_DESTINATIONS.get(row.destination, row.destination)),
        accepted=wording.moment(row.accepted_at),
        attempts=row.attempts,
        next_attempt=wording.moment(row.next_attempt_at, seconds=True),
        settled=wording.moment(row.settled_at),
        reason=in_words(row.reason, wording) if row.reason else "",
        possible_doubles=row.possible_doubles,
        faults=row.faults,
        answers=None if row.answers is None else tuple((each.question, each.answer) for each in row.answers),
        may_send_again=row.state is MessageState.DEAD,
        may_purge=row.state is not MessageState.PURGED,
    )
