"""The journal: append-only files of JSON lines from which a restarted sandbox goes on."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import msgspec

FACTS = "facts"
ADVANCES = "advances"
DELIVERIES = "deliveries"
REACTIONS = "reactions"
READS = "reads"
SINK = "sink"
STATE = "state"
ACCEPTED = "accepted"
POSTED = "posted"
FAULTS = "faults"
PROVIDERS = "providers"
_NAMES = (FACTS, ADVANCES, DELIVERIES, REACTIONS, READS, SINK, STATE, ACCEPTED, POSTED, FAULTS, PROVIDERS)
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Journal:
    """The files of one world; a line is on its way to the disk after `flush` and safe after `sync`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._paths = {name: folder / f"{name}.jsonl" for name in _NAMES}
        for path in self._paths.values():
            _cut_torn_line(path)
        self._files: dict[str, BinaryIO] = {name: path.open("ab") for name, path in self._paths.items()}
        self._unsynced: set[str] = set()
        self._syncing: dict[str, Future[None]] = {}
        self._lock = Lock()
        self._disk = ThreadPoolExecutor(len(_NAMES), thread_name_prefix="journal")

    def append(self, name: str, line: Mapping[str, object]) -> None:
        """Add a line to a file's buffer."""
        encoded = _written(line) + b"\n"
        with self._lock:
            self._files[name].write(encoded)
            self._unsynced.add(name)

    def flush(self, *names: str) -> None:
        """Hand the files' lines to the operating system: they survive this process, not the machine."""
        with self._lock:
            for name in names:
                self._files[name].flush()

    def sync(self, *names: str) -> None:
        """Put the files' lines on the disk; every changed file when none is named."""
        wait_for(self.start_sync(*names))

    def start_sync(self, *names: str) -> list[Future[None]]:
        """Begin a `sync`; the files go to the disk side by side, which costs little more than one.

        Lines that another thread's sync took along are waited for as well: that one may not have ended.
        """
        with self._lock:
            for name in names or _NAMES:
                if name in self._unsynced:
                    self._files[name].flush()
                    self._syncing[name] = self._disk.submit(os.fdatasync, self._files[name].fileno())
                    self._unsynced.discard(name)
            return [self._syncing[name] for name in names or _NAMES if name in self._syncing]

    def size(self, name: str) -> int:
        """How many bytes the file has, buffered lines included."""
        with self._lock:
            return self._files[name].tell()

    def cut(self, name: str, size: int) -> None:
        """Forget what lies beyond `size` bytes of a file."""
        with self._lock:
            self._files[name].flush()
            self._files[name].truncate(size)
            self._files[name].seek(0, os.SEEK_END)

    def read(self, name: str) -> Iterator[dict[str, Any]]:
        """All lines of a file, oldest first."""
        self.flush(name)
        with self._paths[name].open("rb") as lines:
            for line in lines:
                yield json.loads(line)

    def close(self) -> None:
        """Sync and close all files."""
        self.sync()
        self._disk.shutdown()
        for file in self._files.values():
            file.close()


def wait_for(syncing: Iterable[Future[None]]) -> None:
    """Wait until what `start_sync` began is on the disk.

    Raises:
        OSError: the disk refused.
    """
    for future in syncing:
        future.result()


def _written(line: Mapping[str, object]) -> bytes:
    try:
        return msgspec.json.encode(line)
    except ValueError:
        # Half of a surrogate pair.
        return _encode(line).encode()


def _cut_torn_line(path: Path) -> None:
    """Remove a last line that a killed process left unfinished."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        while size:
            start = max(0, size - 65536)
            file.seek(start)
            newline = file.read(size - start).rfind(b"\n")
            if newline >= 0:
                file.truncate(start + newline + 1)
                return
            size = start
        file.truncate(0)
