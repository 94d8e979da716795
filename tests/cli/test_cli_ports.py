"""A port that is taken is told in one line, with what to do, whichever way Ritorno serves."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

_COMMAND = str(Path(sys.executable).with_name("ritorno"))


@pytest.mark.parametrize("way", ["--hosted", "--worker=none"])
def test_serving_at_a_port_that_is_taken_ends_with_what_to_do(tmp_path: Path, way: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [_COMMAND, "serve", way, "--port", str(port)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"ritorno: port {port} of 127.0.0.1: Address already in use")
    assert said.endswith("; end what listens there, or name another one by --port or PORT")
