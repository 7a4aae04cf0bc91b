"""Which certificates to trust, which to show, and what was wrong with one, in words."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from typing import Any

from widget.domain.errors import causes
from widget.settings import EceSettings, Fault, SettingsFaults
from widget.settings.certificates import with_common_rules

UNKNOWN_ISSUER = "the certificate is signed by an authority nobody here knows; [ece] ca_file can name it"
# OpenSSL's verification codes (openssl/x509_vfy.h)
_WORDS = {
    2: UNKNOWN_ISSUER,
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed; [ece] ca_file can name it",
    19: UNKNOWN_ISSUER,
    20: UNKNOWN_ISSUER,
    21: UNKNOWN_ISSUER,
    62: "the certificate is for another host name",
    64: "the certificate is for another address",
}
OURS_REFUSED = "ECE did not accept our certificate, or wants one ([ece] client_cert)"
HUNG_UP = "the server hung up in the middle of the handshake"
_TOO_OLD = "the server speaks nothing newer than TLS 1.0 or 1.1"
# OpenSSL's names of reasons
_REASONS = {
    "WRONG_VERSION_NUMBER": "what answers there does not speak TLS",
    "TLSV1_ALERT_PROTOCOL_VERSION": _TOO_OLD,
    "UNSUPPORTED_PROTOCOL": _TOO_OLD,
    "WRONG_SSL_VERSION": _TOO_OLD,
    "VERSION_TOO_LOW": _TOO_OLD,
    "TLSV1_ALERT_UNKNOWN_CA": OURS_REFUSED,
    "TLSV1_ALERT_ACCESS_DENIED": OURS_REFUSED,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": (
        "the handshake was refused: no cipher in common, or ECE wants a certificate ([ece] client_cert)"
    ),
}


def trust(settings: EceSettings, public: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Build the context for ECE; reads files, so call it outside the event loop. Raise SettingsFaults.

    With `ca_file` only the authorities in it are trusted, also one that another authority signed; without, those that
    `public` returns.
    """
    if settings.ca_file is None:
        context = public()
    else:
        try:
            context = ssl.create_default_context(cafile=settings.ca_file)
        except (OSError, ValueError):
            raise _fault("ca_file", settings.ca_file, "a file of certificates in PEM form") from None
    with_common_rules(context)
    if settings.client_cert is not None:
        try:
            context.load_cert_chain(settings.client_cert, settings.client_key, password=lambda: b"")
        except (OSError, ValueError):
            allowed = "a certificate in PEM form, with its key, without a passphrase, in ece.client_key"
            raise _fault("client_cert", settings.client_cert, allowed) from None
    return context


def failure(error: BaseException) -> str | None:
    """Return in words what TLS refused, or None when TLS was not the reason."""
    for cause in causes(error):
        match cause:
            case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
                return None
            case ssl.SSLCertVerificationError(verify_code=code, verify_message=why):
                return _WORDS.get(code, f"the certificate was not accepted: {why}")
            case ssl.SSLError(reason=str() as reason) if reason in _REASONS:
                return _REASONS[reason]
            case ssl.SSLError(reason=str() as reason) if "CERTIFICATE" in reason:
                return OURS_REFUSED
            case ssl.SSLError():
                named = getattr(cause, "reason", None)  # not of an alert that Python has no name for
                return "the handshake was refused" + (f": {_in_small_words(named)}" if named else "")
    return None


def _in_small_words(reason: str) -> str:
    """Return OpenSSL's own name of a reason, a constant of that library, as words."""
    return re.sub(r"^(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?", "", reason).replace("_", " ").lower()


def why_the_issuer_is_unknown(trusted: ssl.SSLContext, host: str, port: int, *, timeout: float) -> str:
    """Return what `failure` said of an unknown issuer in more detail; asks the server, so call it in a thread.

    A server that sends its own certificate alone, signed by an authority of a company that is trusted under another
    name, leaves out an intermediate certificate; it may also where no company is named. For `check`; nothing else is
    sent over this connection. `timeout` in seconds is for each step.
    """
    curious = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    curious.check_hostname, curious.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout=timeout) as connection,
            curious.wrap_socket(connection, server_hostname=host) as secured,
        ):
            # From Python 3.13 on a method of the socket, which gives bytes; this has the names, since 3.10.
            chain = [each.get_info() for each in secured._sslobj.get_unverified_chain()]  # type: ignore[attr-defined]
    except (OSError, AttributeError):
        return UNKNOWN_ISSUER
    if not chain:
        return UNKNOWN_ISSUER
    issuer = _shown(chain[-1]["issuer"])
    companies = {_company(each["subject"]) for each in trusted.get_ca_certs()} - {None}
    if len(chain) == 1 and _company(chain[0]["issuer"]) in companies:
        return f"the server does not send the intermediate certificate {issuer} that signed its own"
    alone = len(chain) == 1 and chain[0]["issuer"] != chain[0]["subject"]
    return f"{UNKNOWN_ISSUER}: {issuer}" + (", and the server sends no intermediate certificate" if alone else "")


def _names(distinguished: Any) -> dict[str, str]:
    return {name: value for part in distinguished for name, value in part}


def _company(distinguished: Any) -> str | None:
    return _names(distinguished).get("organizationName")


def _shown(distinguished: Any) -> str:
    names = _names(distinguished)
    text = next(
        (names[key] for key in ("commonName", "organizationalUnitName", "organizationName") if key in names), ""
    )
    return ascii(text[:80])


def _fault(key: str, value: object, allowed: str) -> SettingsFaults:
    return SettingsFaults("settings", [Fault(f"ece.{key}", str(value), allowed)])
