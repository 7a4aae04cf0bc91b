"""The error tree.

WidgetError
├── DeliveryError            an outside system did not take what was sent
│   ├── EceError                 a call to ECE gave no reading
│   │   ├── EceUnreachable       ECE's host did not serve: counts for the host's breaker
│   │   │   ├── EceRefused       no connection could be made
│   │   │   │   ├── EceNoRoute   no way leads to the host's address
│   │   │   │   └── EceNoSuchHost  the host's name leads to no address
│   │   │   ├── EceTimeout       the whole call took longer than `[ece] timeout`
│   │   │   ├── EceReset         the connection broke, or the answer was not HTTP
│   │   │   ├── EceTlsFailure    the certificate or the handshake was refused
│   │   │   └── EceGatewayDown   502, 503 or 504
│   │   ├── EceStatus            any other status that is no success: counts for this call's breaker
│   │   ├── EceRedirect          3xx; never followed
│   │   ├── EceUnreadable        a success whose body is no answer of this call
│   │   ├── EceBusy              our own connection limit was reached; counts for no breaker
│   │   └── EceUnsendable        a survey that XML cannot carry; ECE was not asked
│   ├── MailError            the mail server did not take a mail
│   │   └── MailServerDown   it takes none from anybody
│   └── WebhookError         a webhook's receiver did not take what was posted
│       └── WebhookDown      it takes nothing from anybody
├── TokenError               a signed text that we do not accept
│   ├── TokenInvalid         forged, cut, for another purpose, or signed by a retired key
│   └── TokenExpired         ours, but past its own expiry
├── SurveyError              a survey cannot be opened or taken
│   ├── SurveyUnknown        no such survey or entry point any more
│   └── TicketTaken          the launch ticket is bound to another chat
└── OutboxUnavailable        the database did not take or give the row; the visitor may try again
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal, TypeVar

NOT_HTTP = "the answer is not HTTP as it may be"  # how an EceReset begins that names what it refused
ANSWERED_IN_TLS = "TLS, as a port for https answers http"  # what such an EceReset may name
Blame = Literal["host", "call", "nobody"]
Kind = TypeVar("Kind", bound=BaseException)


class WidgetError(Exception):
    """Anything that goes wrong in a way this product knows."""

    code: ClassVar[str] = "internal_error"


class DeliveryError(WidgetError):
    """An outside system did not take what was sent.

    `retryable` says whether the same call may work later without anybody changing anything: as the class says, unless
    the one who raises it knows better. `maybe_received` marks a row that may have been taken although no answer says
    so: sending it again may double it. `serves_nobody`: the failure speaks of the destination and of no row. `step`
    is how far a session with several steps came.
    """

    retryable: bool = True
    serves_nobody: ClassVar[bool] = False
    code: ClassVar[str] = "not_delivered"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
        maybe_received: bool = False,
        step: str = "",
    ) -> None:
        super().__init__(detail)
        self.step = step
        self.detail = detail
        self.status = status
        self.retry_after = retry_after
        self.maybe_received = maybe_received
        if retryable is not None:
            self.retryable = retryable


class EceError(DeliveryError):
    """A call to ECE gave no reading. `blame` says which circuit breaker counts it."""

    blame: ClassVar[Blame] = "call"
    code: ClassVar[str] = "ece_failed"


class EceUnreachable(EceError):
    """ECE's host did not serve the call at all."""

    blame = "host"
    code = "ece_unreachable"


class EceRefused(EceUnreachable):
    """No connection could be made."""

    code = "ece_refused"


class EceNoRoute(EceRefused):
    """No way leads from this machine to the address of ECE's host."""

    code = "ece_no_route"


class EceNoSuchHost(EceRefused):
    """The name of ECE's host leads to no address."""

    code = "ece_no_such_host"


class EceTimeout(EceUnreachable):
    """The whole call took longer than `[ece] timeout`."""

    code = "ece_timeout"


class EceReset(EceUnreachable):
    """The connection broke before the answer was whole, or what came was not HTTP."""

    code = "ece_reset"


class EceTlsFailure(EceUnreachable):
    """The certificate or the handshake was refused."""

    code = "ece_tls"


class EceGatewayDown(EceUnreachable):
    """502, 503 or 504: a web tier stands in front of an ECE that does not answer."""

    code = "ece_gateway"


class EceStatus(EceError):
    """A status that is no success, but ECE's own: 500 for this call, a 404 for this path."""

    code = "ece_status"


class EceRedirect(EceError):
    """A 3xx answer; never followed, since it would carry the call to a host nobody configured."""

    retryable = False
    code = "ece_redirect"


class EceUnreadable(EceError):
    """A success whose body is no answer of this call: HTML, empty, cut, wrong root, a DOCTYPE, no number."""

    code = "ece_unreadable"


class EceBusy(EceError):
    """Our own limit of connections was reached before ECE was asked."""

    blame = "nobody"
    code = "ece_busy"


class EceUnsendable(EceError):
    """A survey whose text XML 1.0 cannot carry (a control character, half a surrogate pair); ECE was not asked."""

    retryable = False
    blame = "nobody"
    code = "ece_unsendable"


class MailError(DeliveryError):
    """The mail server did not take a mail; `detail` says why in words of ours, nothing that anybody else wrote."""

    code = "mail_failed"


class MailServerDown(MailError):
    """The mail server takes no mail of ours: no connection, no TLS, a refused login, sender or every recipient."""

    serves_nobody = True
    code = "mail_server_down"


class WebhookError(DeliveryError):
    """A webhook's receiver did not take what was posted; `detail` says why in words of ours."""

    code = "webhook_failed"


class WebhookDown(WebhookError):
    """The receiver takes no row of ours: no connection, no TLS, 503, 429, or nobody there whom `url` and secret fit."""

    serves_nobody = True
    code = "webhook_down"


class TokenError(WidgetError):
    """A signed text that we do not accept."""

    code = "token_invalid"


class TokenInvalid(TokenError):
    """Forged, cut, made for another purpose, or signed by a key that was retired."""


class TokenExpired(TokenError):
    """Ours, but past the expiry written inside it."""

    code = "token_expired"


class SurveyError(WidgetError):
    """A survey cannot be opened or taken."""

    code = "survey_error"


class SurveyUnknown(SurveyError):
    """The link names a survey or an entry point that the settings no longer have."""

    code = "unknown_survey"


class TicketTaken(SurveyError):
    """The launch ticket was bound to another chat before."""

    code = "ticket_taken"


class OutboxUnavailable(WidgetError):
    """The database did not take or give the row; nothing was promised and the visitor may try again."""

    code = "storage_unavailable"


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, then what led to it, and so on to the first cause."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        yield cause
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__


def cause_of(error: BaseException, *kinds: type[Kind]) -> Kind | None:
    """Return the first of an error and its causes that is of one of these kinds, or None."""
    return next((each for each in causes(error) if isinstance(each, kinds)), None)
