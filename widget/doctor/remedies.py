"""For each way in which a call to ECE fails: what it means, and which setting or machine to change."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from widget.domain.errors import (
    ANSWERED_IN_TLS,
    NOT_HTTP,
    EceBusy,
    EceError,
    EceGatewayDown,
    EceNoRoute,
    EceNoSuchHost,
    EceRedirect,
    EceRefused,
    EceReset,
    EceStatus,
    EceTimeout,
    EceTlsFailure,
    EceUnreadable,
)
from widget.settings import EceSettings

if TYPE_CHECKING:
    from widget.ece.progress import Probe

_RENEW = (
    "Renew it on ECE's web server, or the intermediate certificate that is sent along if that is the one, and"
    " check the clocks of both machines."
)
# What the words about a failure of TLS say, the first that fit, and what to change.
_CERTIFICATES = (
    (
        "intermediate",
        "Have ECE's web server send its whole chain, or save that intermediate certificate as a PEM file and name"
        " it in `ca_file` of [ece].",
    ),
    ("TLS 1.0", "Switch TLS 1.2 or 1.3 on at ECE's web server; older versions are not safe."),
    ("expired", _RENEW),
    ("not valid yet", _RENEW),
    ("another", "Use in `base_url` the host name that the certificate was issued for."),
    ("speak TLS", "Check scheme and port of `base_url` in [ece]; this port may want http."),
    (
        "ca_file",
        "Save the certificate of the authority that signed it as a PEM file and name it in `ca_file` of [ece].",
    ),
    ("not accepted", "Put another certificate on ECE's web server; these are OpenSSL's words for what this one lacks."),
    ("wants", "Name a certificate that ECE accepts in `client_cert` and `client_key` of [ece]."),
)
_OTHER_TLS = (
    "See in the log of ECE's web server, or of the balancer before it, why: it may want a certificate"
    " (`client_cert` in [ece]), another host name in `base_url`, or other versions and ciphers of TLS."
)


def remedy(ece: EceSettings, probe: Probe, error: EceError) -> tuple[str, str]:
    """Return what is wrong and what to change."""
    host = urlsplit(ece.base_url).netloc
    match error:
        case EceTlsFailure():
            return _certificate(host, error.detail)
        case EceRefused() if ece.proxy is not None:
            return _not_through_the_proxy(host, error)
        case EceTimeout() | EceReset() | EceGatewayDown() if ece.proxy is not None:
            return _proxy_or_ece(ece, host, error)
        case EceTimeout():
            return (
                f"{host} gave no whole answer within {ece.timeout:g} s",
                "See whether a firewall drops the calls; if ECE is just slow, raise `timeout` in [ece].",
            )
        case EceNoSuchHost():
            return (
                f"no connection to {host}: {error.detail}",
                "Check the host name in `base_url` of [ece], and that this machine's name server answers and knows it.",
            )
        case EceNoRoute():
            return (
                f"no connection to {host}: no route leads there from this machine",
                "Check the address that the host in `base_url` of [ece] has here, this machine's routes and firewalls.",
            )
        case EceRefused():
            return (
                f"no connection to {host}: it was refused, nothing listens there",
                "Check host and port of `base_url` in [ece], that ECE runs, and that no firewall stands between.",
            )
        case EceReset() if ANSWERED_IN_TLS in error.detail:
            return (f"{host}: {error.detail}", "Write https:// in `base_url` of [ece], or the port that takes http.")
        case EceReset() if NOT_HTTP in error.detail:
            return (
                f"{host}: {error.detail}",
                "See which server or proxy in front of ECE writes that, and mend it there.",
            )
        case EceReset():
            return (
                f"{host} broke the connection, or does not speak HTTP there",
                "Check scheme and port of `base_url` in [ece]: a port for https answers http like this.",
            )
        case EceGatewayDown():
            return (
                f"the web tier of {host} answers {error.status}: ECE behind it does not",
                "Start ECE's application server; nothing has to change here.",
            )
        case EceRedirect():
            return (
                f"{host} sends elsewhere: {error.detail or error.status}",
                "Write the address it leads to as `base_url` in [ece]; a login page in the way has to go.",
            )
        case EceUnreadable():
            return _unreadable(probe, host, error)
        case EceBusy():
            return ("our own connections were all in use", "Raise `max_connections` in [ece].")
        case EceStatus():
            return _status(ece, host, error.status or 0)
        case _:
            return (f"{host}: {error.detail or error.code}", "")


def _certificate(host: str, detail: str) -> tuple[str, str]:
    what = f"TLS with {host} failed: {detail or 'the certificate was not accepted'}"
    return what, next((change for said, change in _CERTIFICATES if said in detail), _OTHER_TLS)


def _not_through_the_proxy(host: str, error: EceError) -> tuple[str, str]:
    what = f"no connection to {host} through the proxy: {error.detail}"
    if error.status == 407:
        return what, (
            "Write `proxy` in [ece] with a user and a password that it takes, as http://user:password@host:port;"
            " signs such as @, / and # in them as %40, %2F and %23."
        )
    if "TLS" in error.detail:
        return what, "Check scheme, host and port of `proxy` in [ece]; `ca_file` has to hold its authority too."
    return what, "Check `proxy` in [ece], and that the proxy lets this machine through to ECE."


def _proxy_or_ece(ece: EceSettings, host: str, error: EceError) -> tuple[str, str]:
    """From here the proxy's silence looks the same as ECE's behind it."""
    match error:
        case EceTimeout():
            what = f"no whole answer within {ece.timeout:g} s"
        case EceReset():
            what = "the connection broke, or what came is not HTTP"
        case _:
            what = f"{error.status}, which says that somebody further on does not answer"
    return (
        f"{host} through the proxy: {what}",
        f"See in the proxy's log whether it reaches {host}. If not, check `proxy` in [ece], and that it lets this"
        " machine through; if it does, see whether ECE runs and how fast it answers.",
    )


def _status(ece: EceSettings, host: str, status: int) -> tuple[str, str]:
    parts = urlsplit(ece.base_url)
    match status:
        case 404 | 405 if not parts.path:
            return (
                f"{host} answers {status}: `base_url` has no context root",
                f'Write it with the root ECE was installed with, usually: base_url = "{ece.base_url}/system"',
            )
        case 404 | 405 if parts.path != "/system":
            return (
                f"{host} answers {status}: there is no ECE under {parts.path}",
                "Write ECE's own context root in `base_url`, usually:"
                f' base_url = "{parts.scheme}://{parts.netloc}/system"',
            )
        case 404 | 405:
            return (
                f"{host} answers {status} for {ece.api_path}",
                "ECE may still be starting. If it stays so, ask ECE's administrator for the context root (`base_url`)"
                ' and the path of the chat API (`api_path`; "/ws/chat/entrypoint" on some releases).',
            )
        case 401 | 403 | 407:
            return (
                f"{host} answers {status}: this machine may not call ECE's chat API",
                "The API is anonymous by design: let this machine through in the proxy or web server that asks.",
            )
        case 400:
            return (
                f"{host} answers 400: it does not take this entry point's id",
                "Check `id` against the entry point in ECE's administration console.",
            )
        case 500:
            return (
                f"{host} answers 500: ECE could not find this out",
                "Check that the entry point's `id` exists in ECE and that its chat services run;"
                " ECE's own log has the cause.",
            )
        case _:
            return (f"{host} answers {status}", "See in the log of ECE's web server why.")


def _unreadable(probe: Probe, host: str, error: EceError) -> tuple[str, str]:
    if probe.content_type is not None and "html" in probe.content_type:
        return (
            f"{host} answers with an HTML page where XML belongs",
            "A login page, a proxy or an error page stands in the way, or `base_url` is not ECE's: open"
            " the address in a browser on this machine to see it.",
        )
    return (
        f"the answer of {host} cannot be understood: {error.detail}",
        "Check that `base_url` and `api_path` in [ece] lead to ECE's chat API.",
    )
