"""Whom the two transports believe: a TLS server on this machine, with a certificate made for each test."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.pool import ProviderPool
from connectors.transport import Limits, NotSent, StoreTransport

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BODY_ENDS = b"}"
Transport = StoreTransport | ProviderPool


class TlsServer:
    """Answers one connection; `heard` is what came through it once TLS stood."""

    def __init__(self, certificate: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}/v3/mail/send"
        self.heard = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        plain, _ = self._listener.accept()
        try:
            with self._context.wrap_socket(plain, server_side=True) as connection:
                # To its end: what nobody read is thrown back at who sent it, and the answer with it.
                while not self.heard.endswith(BODY_ENDS) and (part := connection.recv(65536)):
                    self.heard += part
                connection.sendall(ANSWER)
        except OSError:
            plain.close()


@pytest.fixture(params=["store", "provider"])
def transport(request: pytest.FixtureRequest) -> Iterator[Transport]:
    limits = Limits(read_seconds=5)
    made: Transport = (
        StoreTransport(allow_private=True, limits=limits)
        if request.param == "store"
        else ProviderPool(limits=limits)
    )
    yield made
    made.close()


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the certificates lie that this machine believes."""
    path = tmp_path / "trusted.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(path))
    return path


def test_a_server_is_heard_whose_certificate_is_believed_and_names_it(
    transport: Transport, trusted: Path, tmp_path: Path
) -> None:
    own = _certificate(tmp_path, "127.0.0.1", believed_in=trusted)

    with TlsServer(own) as server:
        answer = transport.post_json(server.url, {"to": "anna"})

    assert (answer.status, answer.body) == (200, b"ok")
    assert server.heard.startswith(b"POST /v3/mail/send HTTP/1.1\r\n")


def test_a_certificate_of_nobody_known_is_told_nothing(
    transport: Transport, trusted: Path, tmp_path: Path
) -> None:
    _certificate(tmp_path, "127.0.0.1", believed_in=trusted)
    stranger = _certificate(tmp_path, "127.0.0.1")

    with TlsServer(stranger) as server, pytest.raises(NotSent):
        transport.post_json(server.url, {"to": "anna"})

    assert server.heard == b""


@pytest.mark.parametrize(("address", "days_left"), [("127.0.0.2", 2), ("127.0.0.1", -1)])
def test_a_believed_certificate_of_another_host_or_time_is_told_nothing(
    transport: Transport, trusted: Path, tmp_path: Path, address: str, days_left: int
) -> None:
    other = _certificate(tmp_path, address, believed_in=trusted, days_left=days_left)

    with TlsServer(other) as server, pytest.raises(NotSent):
        transport.post_json(server.url, {"to": "anna"})

    assert server.heard == b""


def _certificate(folder: Path, address: str, *, believed_in: Path | None = None, days_left: int = 2) -> Path:
    """A key with its certificate in one file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days_left))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    if believed_in is not None:
        believed_in.write_bytes(public)
    path = folder / f"{made.serial_number}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + public)
    return path
