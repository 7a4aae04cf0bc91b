"""Which certificates to trust, which to show, and what was wrong with one, in words."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from widget.settings import EceSettings, Fault, SettingsFaults

# OpenSSL's verification codes (openssl/x509_vfy.h)
_WORDS = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed; [ece] ca_file can name it",
    19: "the certificate is signed by an authority nobody here knows; [ece] ca_file can name it",
    20: "the certificate is signed by an authority nobody here knows; [ece] ca_file can name it",
    62: "the certificate is for another host name",
    64: "the certificate is for another address",
}


def trust(settings: EceSettings, public: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Build the context for ECE; reads files, so call it outside the event loop. Raises SettingsFaults.

    With `ca_file` only the authorities in it are trusted; without, those that `public` gives and the machine's own.
    """
    if settings.ca_file is None:
        context = public()
        context.load_default_certs()
    else:
        try:
            context = ssl.create_default_context(cafile=settings.ca_file)
        except (OSError, ValueError):
            raise _fault("ca_file", settings.ca_file, "a file of certificates in PEM form") from None
    if settings.client_cert is not None:
        try:
            context.load_cert_chain(settings.client_cert, settings.client_key, password=lambda: b"")
        except (OSError, ValueError):
            allowed = "a certificate in PEM form, with its key, without a passphrase, in ece.client_key"
            raise _fault("client_cert", settings.client_cert, allowed) from None
    return context


def failure(error: BaseException) -> str | None:
    """Say in words what TLS refused, or give None when TLS was not the reason."""
    cause: BaseException | None = error
    for _ in range(8):
        match cause:
            case None | ssl.SSLEOFError() | ssl.SSLZeroReturnError():
                return None
            case ssl.SSLCertVerificationError(verify_code=code):
                return _WORDS.get(code, "the certificate was not accepted")
            case ssl.SSLError(reason="WRONG_VERSION_NUMBER"):
                return "what answers there does not speak TLS"
            case ssl.SSLError(reason=str() as reason) if "CERTIFICATE" in reason:
                return "ECE did not accept our certificate, or wants one ([ece] client_cert)"
            case ssl.SSLError():
                return "the handshake was refused"
        cause = cause.__cause__ or cause.__context__
    return None


def _fault(key: str, value: object, allowed: str) -> SettingsFaults:
    return SettingsFaults("settings", [Fault(f"ece.{key}", str(value), allowed)])
