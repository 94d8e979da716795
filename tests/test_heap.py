"""How much memory a process holds: threads share two arenas, and a night gives back what its work left."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from app.runtime import Runtime
from jobs import daily
from jobs.schedule import Slot
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of

PAGE = os.sysconf("SC_PAGE_SIZE")
PIECE, PIECES, KEPT_EVERY = 50_000, 2_000, 20


def test_a_dozen_threads_share_two_arenas(tmp_path: Path) -> None:
    told = tmp_path / "arenas.xml"

    subprocess.run([sys.executable, "-c", _WORK, str(told)], check=True, cwd=_ROOT)

    assert told.read_text().count("<heap nr=") == 2


def test_a_night_gives_back_what_work_left_free(runtime: Runtime) -> None:
    (purge,) = [job for job in daily.CALENDAR if job.name == "purge"]
    work = [b"x" * PIECE for _ in range(PIECES)]
    # What stays lies between what goes, so that nothing at the heap's end is free.
    kept = work[::KEPT_EVERY]
    del work
    before = _held()

    purge.run(kit_of(runtime), Slot(NOW, NOW + timedelta(days=1)), NOW)

    assert _held() < before - PIECE * PIECES // 2
    assert len(kept) == PIECES // KEPT_EVERY


def _held() -> int:
    """Bytes of this process that lie in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


_ROOT = Path(__file__).parents[1]
_WORK = """
import ctypes
import sys
import threading
from app.loading import keep_loaded

keep_loaded()
together = threading.Barrier(12)

def work():
    pieces = [b"x" * 9_000 for _ in range(50)]
    together.wait()
    assert pieces

threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
library = ctypes.CDLL(None)
library.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(library.fopen(sys.argv[1].encode(), b"w"))
library.malloc_info(0, file)
library.fclose(file)
"""
