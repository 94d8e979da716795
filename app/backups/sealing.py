"""The file of a backup: encrypted piece by piece, so that it streams, and torn or altered files are told.

A line that says what it is, a line of JSON (the header), then pieces: four bytes of length and AES-256-GCM
under a key of this file alone, which stands in the header, sealed by the first of ENCRYPTION_KEYS. The number
of a piece is its nonce, so that none can be left out or exchanged; the last one is marked, so that none can
be cut off.
"""

import base64
import hashlib
import json
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.crypto import UnreadableSecret, Vault
from app.errors import AppError

Json = dict[str, Any]


class Tell(Protocol):
    """Hears how far a backup or a restore is: in which step, after how many rows, of how many."""

    def __call__(self, step: str, done: int, total: int | None = None) -> None:
        """It is so far now; said after each piece of the file."""


def unheard(step: str, done: int, total: int | None = None) -> None:
    """Nobody waits for it."""


MAGIC = b"ritorno backup 1\n"
_TOLD = frozenset({"key", "revision", "tables", "made_at", "signer"})
_LENGTH = struct.Struct(">I")
_NONCE_BYTES = 12
_MORE, _LAST = b"more", b"last"
_LARGEST_HEADER = 4 * 1024 * 1024
_LARGEST_PIECE = 256 * 1024 * 1024
_QUICKLY = 1


class NoBackup(AppError):
    """The file cannot be used as a backup; the text says why."""


class Writer:
    """Writes the pieces of a backup to a file that is open for writing."""

    def __init__(self, file: IO[bytes], vault: Vault, header: Json) -> None:
        key = AESGCM.generate_key(256)
        told = {**header, "key": vault.seal({"key": base64.b64encode(key).decode("ascii")})}
        line = json.dumps(told).encode() + b"\n"
        file.write(MAGIC + line)
        self._file, self._cipher, self._number = file, AESGCM(key), 0
        self._of = hashlib.sha256(line).digest()

    def add(self, piece: Any, *, is_last: bool = False) -> None:
        """Write one piece, anything that JSON can hold."""
        text = zlib.compress(json.dumps(piece, ensure_ascii=False, separators=(",", ":")).encode(), _QUICKLY)
        sealed = self._cipher.encrypt(_nonce(self._number), text, self._of + (_LAST if is_last else _MORE))
        self._file.write(_LENGTH.pack(len(sealed)) + sealed)
        self._number += 1


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file for its owner alone, that stands at its place only once it is whole and on the disk."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_header(file: IO[bytes]) -> Json:
    """What the file says of itself; it is believed only once a piece was opened with it.

    Raises:
        NoBackup: it is no backup of ours.
    """
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        raise NoBackup("the file is no backup of Ritorno")
    try:
        header = json.loads(file.readline(_LARGEST_HEADER))
    except ValueError as error:
        raise NoBackup("the file is torn: its header cannot be read") from error
    if not isinstance(header, dict) or not header.keys() >= _TOLD:
        raise NoBackup("the file is torn: its header is not whole")
    return header


def pieces(file: IO[bytes], vault: Vault) -> Iterator[Any]:
    """Every piece in order, the last one included.

    Raises:
        NoBackup: it is no backup, it is torn or altered, or other ENCRYPTION_KEYS sealed it.
    """
    header = read_header(file)
    line = _header_line(file)
    cipher, of = AESGCM(_opened(vault, header)), hashlib.sha256(line).digest()
    number, is_last = 0, False
    while not is_last:
        sealed = _next(file)
        text, is_last = _open(cipher, _nonce(number), sealed, of=of)
        yield json.loads(zlib.decompress(text))
        number += 1
    if file.read(1):
        raise NoBackup("the file goes on behind its end")


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES, "big")


def _header_line(file: IO[bytes]) -> bytes:
    """The header as it stands, and the file behind it."""
    file.seek(len(MAGIC))
    return file.readline(_LARGEST_HEADER)


def _opened(vault: Vault, header: Json) -> bytes:
    try:
        return base64.b64decode(vault.open(str(header["key"]))["key"])
    except UnreadableSecret as error:
        raise NoBackup(
            f"the backup of {header['made_at']} was sealed with other ENCRYPTION_KEYS: give those of its"
            " time beside the present ones, behind a comma"
        ) from error


def _next(file: IO[bytes]) -> bytes:
    length = file.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        raise NoBackup("the file is torn: its end is missing")
    (size,) = _LENGTH.unpack(length)
    sealed = file.read(size) if size <= _LARGEST_PIECE else b""
    if len(sealed) < size:
        raise NoBackup("the file is torn: its end is missing")
    return sealed


def _open(cipher: AESGCM, nonce: bytes, sealed: bytes, *, of: bytes) -> tuple[bytes, bool]:
    for mark in (_MORE, _LAST):
        try:
            return cipher.decrypt(nonce, sealed, of + mark), mark == _LAST
        except InvalidTag:
            continue
    raise NoBackup("the file was altered or is torn: a piece of it does not open")
