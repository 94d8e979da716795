"""A demo that cannot begin says why and leaves nothing behind that runs."""

import fcntl
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from app.cli.sandboxed import Sandbox, load_or_make_plan
from tests.conftest import NOW

_COMMAND = str(Path(sys.executable).with_name("ritorno"))
_NOWHERE = "postgresql+psycopg://nobody:@127.0.0.1:1/nothing"
_PATIENCE_SECONDS = 20


def test_a_demo_that_cannot_reach_its_database_ends_its_sandbox(tmp_path: Path) -> None:
    done = subprocess.run(
        [_COMMAND, "demo", "--json", "--customers", "1", "--days", "1", "--database", _NOWHERE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    folder = tmp_path / "var" / "demo-nothing" / "sandbox"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ritorno: ")
    assert not (folder / "sandbox.pid").exists()
    with (folder / "lock").open("ab") as lock:
        # The sandbox holds it for as long as it lives.
        ended = threading.Thread(target=fcntl.flock, args=(lock, fcntl.LOCK_EX), daemon=True)
        ended.start()
        ended.join(_PATIENCE_SECONDS)
        assert not ended.is_alive()


def test_a_second_demo_that_fails_leaves_the_first_ones_sandbox_alone(tmp_path: Path) -> None:
    plan = load_or_make_plan(tmp_path, seed=1, customers=1, days=1, started_at=NOW, port=0)
    with Sandbox(plan, tmp_path / "sandbox").running() as first:
        first.wait_until_up()

        with suppress(OSError), Sandbox(plan, tmp_path / "sandbox").running():
            raise OSError("the port is taken")

        assert first.get("/control/state")["counts"]
    assert not (tmp_path / "sandbox" / "sandbox.pid").exists()
