"""TLS towards ECE: whom the client trusts, what it shows, and what it says when it refuses."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from widget.domain.errors import EceError, EceTimeout, EceTlsFailure
from widget.domain.outbox import OutboxMessage
from widget.domain.readings import Call, ChatAllowed, Reading
from widget.ece import tls
from widget.ece.client import EceClient
from widget.ece.dialect import GUIDE_PATH, Dialect, Format
from widget.settings import EceSettings, SettingsFaults
from widget.settings.certificates import trusting

BODY = b'<chatAllowed allowed="true"/>'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(BODY), BODY)


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


def presenting(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


@contextmanager
def server(context: ssl.SSLContext | None) -> Iterator[str]:
    """Answer "allowed" on loopback, and 400 to what is no HTTP, as a handshake is to a server without TLS."""
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_serve, args=(listening, context))
    thread.start()
    try:
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        listening.close()


def _serve(listening: socket.socket, context: ssl.SSLContext | None) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection.dup() as open_end:
            open_end.settimeout(30)
            with suppress(OSError):
                _answer(connection, context)
            with suppress(OSError):  # a close with bytes unread would be a reset, which can overtake TLS's last word
                open_end.shutdown(socket.SHUT_WR)
                while open_end.recv(4096):
                    pass


def _answer(connection: socket.socket, context: ssl.SSLContext | None) -> None:
    with connection:
        connection.settimeout(30)
        spoken_to = context.wrap_socket(connection, server_side=True) if context else connection
        with spoken_to:
            spoken = spoken_to.recv(4096)
            spoken_to.sendall(OK if spoken.startswith(b"GET ") else b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def ask(base_url: str, **values: object) -> Reading:
    settings = EceSettings.model_validate({"base_url": base_url, "timeout": 5.0, **values})
    client = await asyncio.to_thread(EceClient, settings)
    try:
        return await client.ask(Call.CHAT_ALLOWED, 1)
    finally:
        await client.aclose()


async def refusal(context: ssl.SSLContext | None, **values: object) -> EceError:
    with server(context) as address, pytest.raises(EceError) as caught:
        await ask(address, **values)
    return caught.value


@pytest.mark.anyio
async def test_a_private_authority_is_trusted_when_the_settings_name_it(authority: trustme.CA, ca_file: Path) -> None:
    with server(presenting(authority.issue_cert("127.0.0.1"))) as address:
        assert await ask(address, ca_file=ca_file) == ChatAllowed(True)


@pytest.mark.anyio
async def test_a_private_authority_is_refused_otherwise_and_the_error_names_the_setting(authority: trustme.CA) -> None:
    error = await refusal(presenting(authority.issue_cert("127.0.0.1")))
    assert type(error) is EceTlsFailure
    assert "ca_file" in error.detail
    assert error.blame == "host"


@pytest.mark.anyio
async def test_another_private_authority_is_refused(ca_file: Path) -> None:
    assert type(await refusal(presenting(trustme.CA().issue_cert("127.0.0.1")), ca_file=ca_file)) is EceTlsFailure


@pytest.mark.anyio
async def test_an_expired_certificate_is_called_expired(authority: trustme.CA, ca_file: Path) -> None:
    expired = authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    error = await refusal(presenting(expired), ca_file=ca_file)
    assert type(error) is EceTlsFailure
    assert "expired" in error.detail


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["192.0.2.1", "other.example.com"])
async def test_a_certificate_for_another_host_is_called_that(authority: trustme.CA, ca_file: Path, name: str) -> None:
    error = await refusal(presenting(authority.issue_cert(name)), ca_file=ca_file)
    assert type(error) is EceTlsFailure
    assert "for another" in error.detail


@pytest.mark.anyio
async def test_a_server_without_tls_is_called_that(ca_file: Path) -> None:
    error = await refusal(None, ca_file=ca_file)
    assert type(error) is EceTlsFailure
    assert "does not speak TLS" in error.detail


@pytest.mark.anyio
async def test_a_client_certificate_is_shown_when_ece_wants_one(
    authority: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    context = presenting(authority.issue_cert("127.0.0.1"))
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    ours = authority.issue_cert("widget@example.com")
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    ours.cert_chain_pems[0].write_to_path(str(certificate))
    ours.private_key_pem.write_to_path(str(key))
    with server(context) as address:
        assert await ask(address, ca_file=ca_file, client_cert=certificate, client_key=key) == ChatAllowed(True)
    error = await refusal(context, ca_file=ca_file)
    assert type(error) is EceTlsFailure
    assert "client_cert" in error.detail


@pytest.mark.anyio
async def test_a_survey_that_never_left_was_not_received_and_its_socket_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes connections, but no TLS handshake ever ends
        base_url = f"https://127.0.0.1:{mute.getsockname()[1]}/system"
        settings = EceSettings.model_validate({"base_url": base_url, "timeout": 0.5})
        asked = await asyncio.to_thread(EceClient, settings)
        with pytest.raises(EceTimeout) as caught:
            await asked.submit_survey(
                OutboxMessage("key", "1", "sales", "after_chat", ()), Dialect(GUIDE_PATH, Format.PLAIN)
            )
        assert not caught.value.maybe_received
        mute.settimeout(30)
        connection, _ = await asyncio.to_thread(mute.accept)
        with connection:
            connection.settimeout(30)
            assert await asyncio.to_thread(_until_closed, connection)
        await asked.aclose()


def _until_closed(connection: socket.socket) -> bool:
    while connection.recv(4096):
        pass
    return True


def refused_with(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


def not_accepted(why: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]")
    error.reason, error.verify_code, error.verify_message = "CERTIFICATE_VERIFY_FAILED", 67, why
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_PROTOCOL_VERSION]"), "the handshake was refused"),
        (refused_with("TLSV1_UNRECOGNIZED_NAME"), "the handshake was refused: unrecognized name"),
        (refused_with("TLSV1_ALERT_INTERNAL_ERROR"), "the handshake was refused: internal error"),
        (
            refused_with("UNSAFE_LEGACY_RENEGOTIATION_DISABLED"),
            "the handshake was refused: unsafe legacy renegotiation disabled",
        ),
        (refused_with("TLSV1_ALERT_UNKNOWN_CA"), tls.OURS_REFUSED),
        (refused_with("TLSV1_ALERT_ACCESS_DENIED"), tls.OURS_REFUSED),
        (refused_with("TLSV13_ALERT_CERTIFICATE_REQUIRED"), tls.OURS_REFUSED),
        (not_accepted("CA certificate key too weak"), "the certificate was not accepted: CA certificate key too weak"),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), None),
        (ConnectionResetError(), None),
    ],
)
def test_tls_is_blamed_for_what_tls_refused_alone(error: Exception, words: str | None) -> None:
    try:
        raise RuntimeError from error
    except RuntimeError as wrapped:
        assert tls.failure(wrapped) == words  # noqa: PT017 - it is the subject here, not an outcome


@pytest.mark.anyio
@pytest.mark.parametrize("said", [b"", b"\x16\x03\x03\x00\x31"], ids=["at once", "within a message"])
@pytest.mark.parametrize("hard", [True, False], ids=["reset", "closed"])
async def test_a_server_that_hangs_up_in_the_handshake_is_no_host_without_a_listener(
    said: bytes, *, hard: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_hang_up, args=(listening, said, hard))
        thread.start()
        with pytest.raises(EceError) as caught:
            await ask(f"https://127.0.0.1:{listening.getsockname()[1]}/system")
        thread.join()
    assert type(caught.value) is EceTlsFailure
    assert caught.value.detail == tls.HUNG_UP
    assert not caught.value.maybe_received


def _hang_up(listening: socket.socket, said: bytes, hard: bool) -> None:
    """Answer the beginning of a handshake so far, then close; hard as IIS and F5's balancers do."""
    connection, _ = listening.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(said)
        if hard:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("named", [True, False], ids=["ca_file", "public"])
def test_the_rules_for_certificates_are_the_same_on_every_python(ca_file: Path, *, named: bool) -> None:
    public, file = ssl.create_default_context(), ca_file if named else None
    public.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    settings = EceSettings(base_url="https://ece.example.com", ca_file=file)
    for context in (tls.trust(settings, lambda: public), trusting(file)):
        assert not context.verify_flags & ssl.VERIFY_X509_STRICT
        assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN


@pytest.mark.parametrize(
    "content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_a_ca_file_without_certificates_is_one_clear_fault(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(content)
    with pytest.raises(SettingsFaults, match=r"ece\.ca_file = .*ca\.pem: a file"):
        EceClient(EceSettings(base_url="https://ece.example.com", ca_file=file))


def test_a_client_certificate_that_is_none_is_one_clear_fault(tmp_path: Path) -> None:
    file = tmp_path / "client.pem"
    file.write_text("x")
    with pytest.raises(SettingsFaults, match=r"ece\.client_cert = .*client\.pem"):
        EceClient(EceSettings(base_url="https://ece.example.com", client_cert=file, client_key=file))


def chain(authority: trustme.CA, *, whole: bool) -> ssl.SSLContext:
    """A server whose certificate an intermediate authority signed, which it sends or leaves out."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.create_child_ca().issue_cert("127.0.0.1")
    pems = [each.bytes() for each in certificate.cert_chain_pems]
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate.private_key_pem.bytes() + b"".join(pems if whole else pems[:1]))
        file.flush()
        context.load_cert_chain(file.name)
    return context


async def told_by_probe(context: ssl.SSLContext, **values: object) -> str:
    """Return what `check` is told about a server that is refused."""
    with server(context) as address:
        settings = EceSettings.model_validate({"base_url": address, "timeout": 5.0, **values})
        client = await asyncio.to_thread(EceClient, settings)
        probe = await client.probe(Call.CHAT_ALLOWED, 1)
        await client.aclose()
    assert isinstance(probe.error, EceTlsFailure)
    return probe.error.detail


@pytest.mark.anyio
async def test_the_issuing_authority_alone_is_trust_enough(authority: trustme.CA, tmp_path: Path) -> None:
    intermediate = authority.create_child_ca()
    file = tmp_path / "issuing.pem"
    intermediate.cert_pem.write_to_path(str(file))
    with server(presenting(intermediate.issue_cert("127.0.0.1"))) as address:
        assert await ask(address, ca_file=file) == ChatAllowed(True)
    assert type(await refusal(presenting(authority.issue_cert("127.0.0.1")), ca_file=file)) is EceTlsFailure


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["other.example.com", "192.0.2.1"])
async def test_a_partial_chain_is_no_excuse_for_another_name_or_an_old_certificate(
    authority: trustme.CA, tmp_path: Path, name: str
) -> None:
    intermediate = authority.create_child_ca()
    file = tmp_path / "issuing.pem"
    intermediate.cert_pem.write_to_path(str(file))
    assert "for another" in (await refusal(presenting(intermediate.issue_cert(name)), ca_file=file)).detail
    old = intermediate.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    assert "expired" in (await refusal(presenting(old), ca_file=file)).detail


@pytest.mark.anyio
async def test_a_server_that_leaves_its_intermediate_certificate_out_is_told_so(
    authority: trustme.CA, ca_file: Path
) -> None:
    with server(chain(authority, whole=True)) as address:
        assert await ask(address, ca_file=ca_file) == ChatAllowed(True)
    said = await told_by_probe(chain(authority, whole=False), ca_file=ca_file)
    assert "does not send the intermediate certificate 'Testing CA" in said


@pytest.mark.anyio
@pytest.mark.parametrize("whole", [True, False])
async def test_an_issuer_that_nobody_knows_is_named(authority: trustme.CA, *, whole: bool) -> None:
    said = await told_by_probe(chain(authority, whole=whole))
    assert said.startswith("the certificate is signed by an authority nobody here knows")
    assert "'Testing CA" in said
    assert said.endswith("and the server sends no intermediate certificate") == (not whole)


@pytest.mark.anyio
async def test_a_certificate_that_signed_itself_lacks_no_intermediate() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(authority.private_key_pem.bytes() + authority.cert_pem.bytes())
        file.flush()
        context.load_cert_chain(file.name)
    assert "intermediate" not in await told_by_probe(context)


@pytest.mark.anyio
async def test_a_whole_chain_to_another_authority_is_an_unknown_issuer(ca_file: Path) -> None:
    assert "nobody here knows" in await told_by_probe(chain(trustme.CA(), whole=True), ca_file=ca_file)


@pytest.mark.anyio
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=["TLS 1.0", "TLS 1.1"])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_a_server_with_old_tls_alone_is_told_so(
    authority: trustme.CA, ca_file: Path, newest: ssl.TLSVersion
) -> None:
    context = presenting(authority.issue_cert("127.0.0.1"))
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
    error = await refusal(context, ca_file=ca_file)
    assert type(error) is EceTlsFailure
    assert "nothing newer than TLS 1.0 or 1.1" in error.detail


@pytest.mark.anyio
async def test_a_certificate_that_ece_wants_is_told_under_tls_1_2_too(authority: trustme.CA, ca_file: Path) -> None:
    context = presenting(authority.issue_cert("127.0.0.1"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    error = await refusal(context, ca_file=ca_file)
    assert type(error) is EceTlsFailure
    assert "wants a certificate ([ece] client_cert)" in error.detail
