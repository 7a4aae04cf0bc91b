"""What it means that a call got no answer, or a status that is no success."""

from __future__ import annotations

import errno
import socket
from urllib.parse import quote, urljoin, urlsplit

from widget.domain.errors import (
    NOT_HTTP,
    EceError,
    EceGatewayDown,
    EceNoRoute,
    EceNoSuchHost,
    EceRedirect,
    EceRefused,
    EceReset,
    EceStatus,
    cause_of,
    causes,
)
from widget.ece.http_answer import AnswerRefused

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL})
_LONGEST_SHOWN = 300
_AS_IT_IS = "%:/[]@!$&'()*+,="  # the signs that addresses may have (RFC 3986); others are shown percent-encoded


def no_success(status: int, *, url: str, location: str | None, retry_after: float | None, is_survey: bool) -> EceError:
    """Return the error for a status outside 200 to 299; `url` is what was asked, `retry_after` in seconds."""
    if 300 <= status <= 399:
        target = _target(url, location)
        words = f"{status} to {target}, which is not followed" if target else f"{status}, which is not followed"
        # In front of a survey it is a login or maintenance page, which passes.
        return EceRedirect(words, status=status, retryable=is_survey)
    if status in (502, 503, 504):
        # After 502 and 504 ECE itself may have worked on: only the way back broke.
        maybe_received = status != 503
        return EceGatewayDown(str(status), status=status, retry_after=retry_after, maybe_received=maybe_received)
    return EceStatus(str(status), status=status, retry_after=retry_after)


def refused_by_proxy(status: int | None) -> EceRefused:
    """Return the error for a proxy that opened no way to ECE; `status` is its answer, if it gave one."""
    words = {None: "the proxy did not connect", 407: "the proxy answers 407: it wants a user and a password"}
    return EceRefused(words.get(status, f"the proxy answers {status}"), status=status)


def no_connection(error: BaseException, *, to_proxy: bool) -> EceRefused:
    """Return the error for a connection that could not be made: refused, no route, no such host."""
    for cause in causes(error):
        match cause:
            case socket.gaierror() | UnicodeError():
                unheard = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN
                words = "no name server answers" if unheard else "no such host"
                return EceNoSuchHost(f"no connection to the proxy: {words}" if to_proxy else words)
            case OSError(errno=number) if number in _NO_ROUTE:
                return EceNoRoute("no connection to the proxy: no route" if to_proxy else "no route to the host")
            case ConnectionRefusedError() if not to_proxy:
                return EceRefused("the connection was refused: nothing listens there")
    return EceRefused("no connection to the proxy" if to_proxy else "no connection")


def reset(error: BaseException, *, status: int | None, maybe_received: bool) -> EceReset:
    """Return the error for a connection that broke, or for an answer that is refused, which is then named."""
    words = "the connection broke, or the answer was not HTTP"
    if (refused := cause_of(error, AnswerRefused)) is not None:
        words = f"{NOT_HTTP}: {refused}"
    return EceReset(words, status=status, maybe_received=maybe_received)


def _target(url: str, location: str | None) -> str | None:
    """Return where a redirect leads without what may be secret: user, query, path parameters, fragment."""
    try:
        parts = urlsplit(urljoin(url, location or ""))
        origin = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return None
    if not location or parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    target = quote(origin + parts.path.partition(";")[0], safe=_AS_IT_IS)
    return target if len(target) <= _LONGEST_SHOWN else f"{target[:_LONGEST_SHOWN]}…"
