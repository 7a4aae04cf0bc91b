"""Send surveys to ECE in the form that it takes, and remember that form."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

from widget.domain.errors import EceStatus, WidgetError
from widget.domain.outbox import OutboxMessage
from widget.ece.client import EceClient
from widget.ece.dialect import (
    Dialect,
    Negotiation,
    candidates,
    is_permanent,
    negotiation,
    recalled,
    refused,
    remembered,
)
from widget.settings import EceSettings


class DialectMemory(Protocol):
    """Where the accepted form is kept, so that a restart and `check` know it: one text."""

    async def load_dialect(self) -> str | None: ...

    async def save_dialect(self, dialect: str) -> None: ...


class EceSurveySink:
    """Where the delivery loop sends a message (its port `Sink`); `forms` are those it may have to try."""

    def __init__(self, client: EceClient, settings: EceSettings, memory: DialectMemory) -> None:
        self._client = client
        self._base_url = settings.base_url
        self.forms = candidates(settings.survey_path, settings.survey_format)
        self._memory = memory
        self._accepted: Dialect | None = None

    async def accepted(self) -> Dialect | None:
        """Return the form that ECE accepted last, or None while it accepted none that the settings allow."""
        if self._accepted is None:
            try:
                text = await self._memory.load_dialect()
            except WidgetError:
                return None  # the survey itself does not depend on it; the next one asks again
            self._accepted = recalled(text, self._base_url, self.forms)
        return self._accepted

    async def submit(self, message: OutboxMessage) -> None:
        """Send one survey; return once ECE has taken it, raise EceError otherwise.

        `retryable` is False only when every path and format was refused for what the survey is. `maybe_received` is
        True when ECE may have taken it without our hearing so.
        """
        state = negotiation(self.forms, await self.accepted())
        while True:
            form = state.waiting[0]
            try:
                await self._client.submit_survey(message, form)
            except EceStatus as error:
                state = _following(state, error)
            else:
                await self._remember(form)
                return

    async def _remember(self, form: Dialect) -> None:
        if form == self._accepted:
            return
        self._accepted = form
        with suppress(WidgetError):  # ECE has the survey: a failure here must not send it twice
            await self._memory.save_dialect(remembered(self._base_url, form))


def _following(state: Negotiation, error: EceStatus) -> Negotiation:
    following = refused(state, error.status or 0)
    if following is None:
        raise error
    if not following.waiting:
        raise EceStatus(
            str(following),
            status=error.status,
            retry_after=error.retry_after,
            retryable=not is_permanent(following),
        ) from error
    return following
