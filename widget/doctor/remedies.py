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

Words = tuple[str, str]  # what is wrong, and what to change

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


# The other failures, as `remedy` fills them in.
_REMEDIES: dict[type[EceError], Words] = {
    EceTimeout: (
        "{host} gave no whole answer within {timeout:g} s",
        "See whether a firewall drops the calls; if ECE is just slow, raise `timeout` in [ece].",
    ),
    EceNoSuchHost: (
        "no connection to {host}: {detail}",
        "Check the host name in `base_url` of [ece], and that this machine's name server answers and knows it.",
    ),
    EceNoRoute: (
        "no connection to {host}: no route leads there from this machine",
        "Check the address that the host in `base_url` of [ece] has here, this machine's routes and firewalls.",
    ),
    EceRefused: (
        "no connection to {host}: it was refused, nothing listens there",
        "Check host and port of `base_url` in [ece], that ECE runs, and that no firewall stands between.",
    ),
    EceReset: (
        "{host} broke the connection, or does not speak HTTP there",
        "Check scheme and port of `base_url` in [ece]: a port for https answers http like this.",
    ),
    EceGatewayDown: (
        "the web tier of {host} answers {status}: ECE behind it does not",
        "Start ECE's application server; nothing has to change here.",
    ),
    EceRedirect: (
        "{host} sends elsewhere: {detail}",
        "Write the address it leads to as `base_url` in [ece]; a login page in the way has to go.",
    ),
    EceUnreadable: (
        "the answer of {host} cannot be understood: {detail}",
        "Check that `base_url` and `api_path` in [ece] lead to ECE's chat API.",
    ),
    EceBusy: ("our own connections were all in use", "Raise `max_connections` in [ece]."),
    EceStatus: ("{host} answers {status}", "See in the log of ECE's web server why."),
}
_MAY_NOT_CALL = (
    "{host} answers {status}: this machine may not call ECE's chat API",
    "The API is anonymous by design: let this machine through in the proxy or web server that asks.",
)
_STATUSES = {
    400: (
        "{host} answers 400: it does not take this entry point's id",
        "Check `id` against the entry point in ECE's administration console.",
    ),
    401: _MAY_NOT_CALL,
    403: _MAY_NOT_CALL,
    407: _MAY_NOT_CALL,
    500: (
        "{host} answers 500: ECE could not find this out",
        "Check that the entry point's `id` exists in ECE and that its chat services run; ECE's own log has the cause.",
    ),
}
# From here the proxy's silence looks the same as ECE's behind it.
_SILENCE: dict[type[EceError], str] = {
    EceTimeout: "no whole answer within {timeout:g} s",
    EceReset: "the connection broke, or what came is not HTTP",
    EceGatewayDown: "{status}, which says that somebody further on does not answer",
}


def remedy(ece: EceSettings, probe: Probe, error: EceError) -> Words:
    """Return what is wrong and what to change."""
    what, change = _words(ece, probe, error)
    base_url = urlsplit(ece.base_url)
    known = {
        "host": base_url.netloc,
        "path": base_url.path,
        "origin": f"{base_url.scheme}://{base_url.netloc}",
        "api_path": ece.api_path,
        "timeout": ece.timeout,
        "status": error.status,
        "detail": error.detail or error.status or error.code,
    }
    return what.format(**known), change.format(**known)


def _words(ece: EceSettings, probe: Probe, error: EceError) -> Words:
    """Return the words, with names in braces for what only this failure has."""
    match error:
        case EceTlsFailure():
            change = next((change for said, change in _CERTIFICATES if said in error.detail), _OTHER_TLS)
            return "TLS with {host} failed: {detail}", change
        case EceRefused() if ece.proxy is not None:
            return "no connection to {host} through the proxy: {detail}", _change_of_the_proxy(error)
        case EceTimeout() | EceReset() | EceGatewayDown() if ece.proxy is not None:
            return (
                "{host} through the proxy: " + _SILENCE[type(error)],
                "See in the proxy's log whether it reaches {host}. If not, check `proxy` in [ece], and that it lets"
                " this machine through; if it does, see whether ECE runs and how fast it answers.",
            )
        case EceReset() if ANSWERED_IN_TLS in error.detail:
            return "{host}: {detail}", "Write https:// in `base_url` of [ece], or the port that takes http."
        case EceReset() if NOT_HTTP in error.detail:
            return "{host}: {detail}", "See which server or proxy in front of ECE writes that, and mend it there."
        case EceUnreadable() if "html" in (probe.content_type or ""):
            return (
                "{host} answers with an HTML page where XML belongs",
                "A login page, a proxy or an error page stands in the way, or `base_url` is not ECE's: open"
                " the address in a browser on this machine to see it.",
            )
        case EceStatus(status=404 | 405):
            return _nothing_there(urlsplit(ece.base_url).path)
        case EceStatus(status=int() as status) if status in _STATUSES:
            return _STATUSES[status]
    return _REMEDIES.get(type(error), ("{host}: {detail}", ""))


def _change_of_the_proxy(error: EceError) -> str:
    if error.status == 407:
        return (
            "Write `proxy` in [ece] with a user and a password that it takes, as http://user:password@host:port;"
            " signs such as @, / and # in them as %40, %2F and %23."
        )
    if "TLS" in error.detail:
        return "Check scheme, host and port of `proxy` in [ece]; `ca_file` has to hold its authority too."
    return "Check `proxy` in [ece], and that the proxy lets this machine through to ECE."


def _nothing_there(context_root: str) -> Words:
    if context_root == "/system":
        return (
            "{host} answers {status} for {api_path}",
            "ECE may still be starting. If it stays so, ask ECE's administrator for the context root (`base_url`)"
            ' and the path of the chat API (`api_path`; "/ws/chat/entrypoint" on some releases).',
        )
    if context_root:
        return (
            "{host} answers {status}: there is no ECE under {path}",
            'Write ECE\'s own context root in `base_url`, usually: base_url = "{origin}/system"',
        )
    return (
        "{host} answers {status}: `base_url` has no context root",
        'Write it with the root ECE was installed with, usually: base_url = "{origin}/system"',
    )
