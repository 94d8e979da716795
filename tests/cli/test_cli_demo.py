"""A demo that cannot begin, or is ended, says why and leaves nothing behind that runs."""

import fcntl
import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.faults.faults_processes import until

_COMMAND = str(Path(sys.executable).with_name("ritorno"))
_NOWHERE = "postgresql+psycopg://nobody:@127.0.0.1:1/nothing"
_PATIENCE_SECONDS = 20


class Demos:
    """Demos of one customer in a folder; those that still run are killed at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begun: list[subprocess.Popen[str]] = []

    def begin(self, *words: str, before: Sequence[str] = ()) -> "subprocess.Popen[str]":
        """Begin one, by another command where one is named."""
        with _heard(signal.SIGHUP, signal.SIGINT):
            process = subprocess.Popen(
                [*before, _COMMAND, "demo", "--json", "--customers", "1", *words],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        self._begun.append(process)
        return process

    def kill_one(self) -> Path:
        """Begin one and kill it as soon as it has begun its sandbox, whose folder this is."""
        killed = self.begin("--days", "365")
        folder = _sandbox_of(self._folder)
        killed.kill()
        killed.communicate()
        return folder

    def end(self) -> None:
        """Kill what runs."""
        for process in self._begun:
            process.kill()
            process.communicate()


@pytest.fixture
def demos(tmp_path: Path) -> Iterator[Demos]:
    """Demos in the test's folder."""
    begun = Demos(tmp_path)
    yield begun
    begun.end()


@contextmanager
def _heard(*signals: signal.Signals) -> Iterator[None]:
    """Have children that begin now hear these; whoever runs the tests may have us ignore them."""
    before = {number: signal.signal(number, lambda *_: None) for number in signals}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


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
    _expect_no_sandbox(folder)


def test_a_second_demo_is_told_of_the_first_one_and_deletes_nothing(tmp_path: Path, demos: Demos) -> None:
    first = demos.begin("--fresh", "--days", "365")
    _sandbox_of(tmp_path)
    _wait_until_it_serves(tmp_path)

    second = demos.begin("--fresh", "--days", "1")
    output, said = second.communicate(timeout=_PATIENCE_SECONDS)

    assert (second.returncode, output) == (1, "")
    assert said == (
        "ritorno: another demo is at work in var/demo: end it, or give this one a --database of its own\n"
    )
    assert (tmp_path / "var" / "demo" / "ritorno.db").exists()
    assert first.poll() is None
    first.terminate()
    first.communicate(timeout=_PATIENCE_SECONDS)


def test_a_demo_that_begins_anew_ends_the_sandbox_that_a_killed_one_left(
    tmp_path: Path, demos: Demos
) -> None:
    folder = demos.kill_one()
    with (folder / "lock").open("ab") as left:
        with pytest.raises(BlockingIOError):
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)

        fresh = demos.begin("--fresh", "--days", "1")
        figures, said = fresh.communicate()

        assert (fresh.returncode, said) == (0, "")
        assert json.loads(figures)["customers"] == 1
        fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _expect_no_sandbox(folder)


@pytest.mark.parametrize("noted", [None, ""])
def test_a_sandbox_whose_number_is_lost_keeps_its_world(
    tmp_path: Path, demos: Demos, noted: str | None
) -> None:
    folder = tmp_path / "var" / "demo" / "sandbox"
    folder.mkdir(parents=True)
    if noted is not None:
        (folder / "sandbox.pid").write_text(noted)
    with (folder / "lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        fresh = demos.begin("--fresh", "--days", "1")
        _, said = fresh.communicate(timeout=_PATIENCE_SECONDS)

    assert fresh.returncode == 1
    assert said == (
        "ritorno: a sandbox works in var/demo/sandbox, and nobody noted its number: end it by hand\n"
    )
    assert (folder / "lock").exists()


def test_a_demo_whose_port_is_taken_says_so_and_makes_no_plan(tmp_path: Path, demos: Demos) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = demos.begin("--days", "1", "--port", str(port))
        _, said = demo.communicate(timeout=_PATIENCE_SECONDS)

    assert demo.returncode == 1
    assert said == (
        f"ritorno: port {port}: Address already in use; end what listens there, "
        "or name another one by --port or PORT\n"
    )
    assert not (tmp_path / "var" / "demo" / "demo.json").exists()


def test_a_demo_that_goes_on_says_that_its_port_was_taken_meanwhile(tmp_path: Path, demos: Demos) -> None:
    demos.begin("--days", "1").communicate(timeout=_PATIENCE_SECONDS)
    with socket.create_server(("127.0.0.1", _port_of(tmp_path))):
        demo = demos.begin("--days", "1")
        _, said = demo.communicate(timeout=_PATIENCE_SECONDS)

    assert demo.returncode == 1
    assert said.endswith("or begin anew with --fresh: its shops know this demo at that port\n")


@pytest.mark.parametrize("words", [(), ("--fresh",)])
def test_a_database_that_no_demo_made_is_left_alone(
    tmp_path: Path, demos: Demos, words: Sequence[str]
) -> None:
    file = tmp_path / "accounts.db"
    file.write_bytes(b"the year's accounts")

    demo = demos.begin("--days", "1", "--database", f"sqlite:///{file}", *words)
    output, said = demo.communicate(timeout=_PATIENCE_SECONDS)

    assert (demo.returncode, output) == (1, "")
    assert said == (
        f"ritorno: no demo made {file}, so none touches it: give the demo a --database of its own\n"
    )
    assert file.read_bytes() == b"the year's accounts"


@pytest.mark.parametrize("words", [(), ("--fresh",)])
def test_a_demo_that_was_killed_while_it_was_deleted_begins_anew(
    tmp_path: Path, demos: Demos, words: Sequence[str]
) -> None:
    first = demos.begin("--days", "1")
    told = json.loads(first.communicate(timeout=_PATIENCE_SECONDS)[0])
    folder = tmp_path / "var" / "demo"
    folder.joinpath("demo.json").rename(folder / "demo.over")
    shutil.rmtree(folder / "sandbox")

    again = demos.begin("--days", "1", *words)
    output, said = again.communicate(timeout=_PATIENCE_SECONDS)

    assert (again.returncode, said) == (0, "")
    assert json.loads(output) | {"seconds": 0} == told | {"seconds": 0}
    assert not (folder / "demo.over").exists()


def test_a_demo_leaves_a_database_with_a_real_shop_alone(tmp_path: Path, demos: Demos) -> None:
    demos.begin("--days", "1").communicate(timeout=_PATIENCE_SECONDS)
    with closing(sqlite3.connect(tmp_path / "var" / "demo" / "ritorno.db")) as database, database:
        database.execute(
            "UPDATE stores SET url = 'https://shop.example/wp', settings = '{}' "
            "WHERE platform = 'woocommerce'"
        )

    demo = demos.begin("--days", "1")
    output, said = demo.communicate(timeout=_PATIENCE_SECONDS)

    assert (demo.returncode, output) == (1, "")
    assert said == (
        "ritorno: the database has a shop that is not this demo's, https://shop.example/wp: "
        "give the demo an empty one\n"
    )
    with closing(sqlite3.connect(tmp_path / "var" / "demo" / "ritorno.db")) as database:
        settings = database.execute("SELECT settings FROM stores WHERE platform = 'woocommerce'").fetchone()
    assert settings == ("{}",)


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_demo_that_is_asked_to_end_takes_its_sandbox_with_it(
    tmp_path: Path, demos: Demos, asked: signal.Signals
) -> None:
    running = demos.begin("--days", "365")
    folder = _sandbox_of(tmp_path)

    running.send_signal(asked)
    output, said = running.communicate(timeout=_PATIENCE_SECONDS)

    assert (running.returncode, output, said) == (130, "", "")
    _expect_no_sandbox(folder)


def test_a_demo_that_went_on_with_a_killed_ones_sandbox_ends_it_as_its_own(
    tmp_path: Path, demos: Demos
) -> None:
    folder = demos.kill_one()
    resumed = demos.begin("--days", "365")
    _wait_until_it_serves(tmp_path)

    resumed.send_signal(signal.SIGTERM)

    assert resumed.wait(_PATIENCE_SECONDS) == 130
    resumed.communicate()
    _expect_no_sandbox(folder)


def test_a_demo_under_nohup_goes_on_when_its_terminal_is_closed(tmp_path: Path, demos: Demos) -> None:
    running = demos.begin("--days", "1", before=("nohup",))
    _sandbox_of(tmp_path)

    running.send_signal(signal.SIGHUP)
    figures, _ = running.communicate()

    assert running.returncode == 0
    assert json.loads(figures)["customers"] == 1


def _sandbox_of(folder: Path) -> Path:
    """The folder of a demo's sandbox, once it was started."""
    sandbox = folder / "var" / "demo" / "sandbox"
    assert until((sandbox / "sandbox.pid").exists, _PATIENCE_SECONDS)
    return sandbox


def _wait_until_it_serves(folder: Path) -> None:
    port = _port_of(folder)

    def _is_open() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    assert until(_is_open, _PATIENCE_SECONDS)


def _port_of(folder: Path) -> int:
    found: int = json.loads((folder / "var" / "demo" / "demo.json").read_text())["port"]
    return found


def _expect_no_sandbox(folder: Path) -> None:
    assert not (folder / "sandbox.pid").exists()
    with (folder / "lock").open("ab") as lock:
        # The sandbox holds it for as long as it lives.
        ended = threading.Thread(target=fcntl.flock, args=(lock, fcntl.LOCK_EX), daemon=True)
        ended.start()
        ended.join(_PATIENCE_SECONDS)
        assert not ended.is_alive()
