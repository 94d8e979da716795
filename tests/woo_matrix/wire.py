"""A socket of the loopback that speaks http and https alike: the emulated shop, and the app that it calls."""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from socket import MSG_PEEK
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

HOOKS = "/hooks"
_HANDSHAKE = b"\x16"


@dataclass(frozen=True, slots=True)
class Got:
    """One call that the app's side received."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    known: frozenset[int]
    """The webhooks that the store had made by then."""


@dataclass
class Receiver:
    """The app's side: records what comes below /hooks, and answers as told."""

    status: int = 200
    got: list[Got] = field(default_factory=list)
    known: Callable[[], frozenset[int]] = frozenset

    def take(self) -> list[Got]:
        """What came since the last look."""
        taken, self.got = self.got, []
        return taken

    def answer(self, request: Request) -> Response:
        """Record one call."""
        self.got.append(Got(request.path, dict(request.headers), request.get_data(), self.known()))
        return Response(status=self.status, headers={"Location": "http://127.0.0.1:9/elsewhere"})


@dataclass
class Line:
    """The socket; the shop behind it may be changed at any time."""

    port: int
    certificate: Path
    receiver: Receiver = field(default_factory=Receiver)
    shop: WSGIApplication | None = None

    @property
    def here(self) -> str:
        """The address that is called."""
        return f"127.0.0.1:{self.port}"

    @property
    def other(self) -> str:
        """Another name of the same socket, which is never called."""
        return f"localhost:{self.port}"

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer for the app's side or for the shop."""
        if environ["PATH_INFO"].startswith(HOOKS):
            return self.receiver.answer(Request(environ))(environ, start_response)
        assert self.shop is not None
        return self.shop(environ, start_response)


@contextmanager
def running_line(folder: Path) -> Iterator[Line]:
    """Serve on a free port; the self-made certificate lies in `folder`."""
    certificate = _write_certificate(folder)
    line = Line(0, certificate)
    _Speaker.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _Speaker.tls.load_cert_chain(certificate)
    server = make_server("127.0.0.1", 0, line, threaded=True, request_handler=_Speaker)
    server.daemon_threads = True  # type: ignore[attr-defined]  # of the threaded kind, which is not typed
    line.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield line
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Speaker(WSGIRequestHandler):
    """Looks at the first byte of a connection: a handshake of TLS, or plain HTTP."""

    tls: ssl.SSLContext
    is_secure = False

    def setup(self) -> None:
        if self.request.recv(1, MSG_PEEK) == _HANDSHAKE:
            try:
                self.request = self.tls.wrap_socket(self.request, server_side=True)
            except OSError:
                self.close_connection = True
            self.is_secure = True
        super().setup()

    def handle(self) -> None:
        """Whoever does not trust the certificate goes away without a request."""
        if not self.is_secure or isinstance(self.request, ssl.SSLSocket):
            super().handle()

    def finish(self) -> None:
        """The server knows the bare socket only."""
        super().finish()
        self.request.close()

    def make_environ(self) -> dict[str, Any]:
        """The request, with the scheme of this connection."""
        return {**super().make_environ(), "wsgi.url_scheme": "https" if self.is_secure else "http"}

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Stay silent."""


def _write_certificate(folder: Path) -> Path:
    """A certificate for this machine that only who is told of it trusts, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "woo-matrix")])
    names = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "store.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path
