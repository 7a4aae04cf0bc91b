"""How far a call to ECE came: for `check` to show, and to know what a failure leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from widget.domain.errors import EceError
from widget.domain.readings import Call, Reading
from widget.ece.wire import Oddity


class Probe(NamedTuple):
    """One GET call as `check` shows it: what came, how long it took (seconds), and what was understood."""

    call: Call
    status: int | None
    elapsed: float
    content_type: str | None
    reading: Reading | None
    error: EceError | None
    oddities: frozenset[Oddity] = frozenset()


@dataclass(slots=True)
class Progress:
    """How far a call came, as the transport traces it; one that traces nothing may have sent everything."""

    asked_at: float | None = None  # monotonic
    connecting: bool = False
    securing: bool = False  # in the middle of a TLS handshake
    sending: bool = False
    tunnel: bool = False  # a proxy was asked to open one to ECE
    status: int | None = None
    content_type: str | None = None

    def waited_for_us(self, timeout: float, *, now: float) -> bool:
        """Return whether most of `timeout` (seconds) went by before ECE was asked; then its silence says nothing of it.

        `now` is monotonic.
        """
        return self.asked_at is None or now - self.asked_at < timeout / 2

    @property
    def maybe_received(self) -> bool:
        return self.asked_at is not None and (self.sending or not self.connecting)

    @property
    def died_unanswered(self) -> bool:
        """Return whether a connection from an earlier call was used, and ended before the first byte of an answer.

        It may have ended before the first byte of the request, too: the library writes a moment after it has taken one.
        """
        return not self.connecting and self.status is None

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Follow the transport's steps (the documented `trace` extension of a request)."""
        match event.split(".")[-2:]:
            case ["connect_tcp", "started"]:
                self.connecting = True
            case ["start_tls", step]:
                self.securing = step != "complete"
            case ["send_request_headers", "started"] if info["request"].method == b"CONNECT":
                self.tunnel = True
            case ["send_request_body", "started"] if info["request"].method != b"CONNECT":
                self.sending = True
