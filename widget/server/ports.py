"""Take a port, or say in one line why not and which option chooses another.

A port is taken early, so that a wrong one is told before anything is built, but nobody listens there until there is
something that answers: a proxy would hold a visitor's request until its time-out, where a refused connection sends it
to the next server at once.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from widget.domain.errors import WidgetError

BACKLOG = 2048


class PortTaken(WidgetError):
    """The address cannot be listened on; the text is one line for the operator."""

    code = "port_taken"


def take_port(host: str, port: int, *, option: str, host_option: str | None = None) -> socket.socket:
    """Bind a port. Raise PortTaken with the option that chooses another port, or another host when that is wrong."""
    listener: socket.socket | None = None
    try:
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except (OSError, OverflowError, UnicodeError) as error:
        if listener is not None:
            listener.close()
        raise PortTaken(_reason(error, host, port, option, host_option or option)) from None
    listener.setblocking(False)
    listener.set_inheritable(True)
    return listener


def refuse_twice(taken: Sequence[socket.socket], *, option: str) -> None:
    """Raise PortTaken where two of these, the later by `option`, have one port: the system tells only who listens."""
    seen: set[int] = set()
    for each in taken:
        host, port = each.getsockname()[:2]
        if port in seen:
            raise PortTaken(_reason(OSError(errno.EADDRINUSE, ""), host, port, option, option))
        seen.add(port)


def listen(listener: socket.socket) -> None:
    """Accept connections from now on. Raise PortTaken: two processes may bind a port, the first to listen keeps it."""
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        host, port = listener.getsockname()[:2]
        raise PortTaken(f"Cannot listen on {host}, port {port}: {error.strerror}.") from None


def _reason(error: OSError | OverflowError | UnicodeError, host: str, port: int, option: str, host_option: str) -> str:
    if isinstance(error, OverflowError):
        return f"There is no port {port}; choose another with {option}."
    if isinstance(error, UnicodeError | socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"Cannot listen on {host}, port {port}: no address of this machine. Choose another with {host_option}."
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken; stop what listens there, or choose another with {option}."
    if error.errno == errno.EACCES:
        return f"Cannot listen on {host}, port {port}: it needs more rights. Choose one above 1023 with {option}."
    return f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another with {host_option}."
