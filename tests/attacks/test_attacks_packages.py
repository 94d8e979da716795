"""A package that is not the one that was locked: the installer ends, nothing of it is there. No network."""

import ensurepip
import hashlib
import importlib.util
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

NAME, FILE = "swapped", "swapped-1.0-py3-none-any.whl"
META = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n"
KIND = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def _another_digit(locked: str) -> str:
    return locked[:-1] + ("0" if locked[-1] != "0" else "1")


def _right(locked: str) -> str:
    return locked


LOCKS: dict[str, tuple[Callable[[str], str], str]] = {
    "another hash": (_another_digit, "--hash=sha256:"),
    "no hash": (lambda locked: "", ""),
}
"""How a lock is wrong: what becomes of the hash, and how the line says it."""


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """Where packages are found."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    return folder


def test_the_package_that_was_locked_is_installed(mirror: Path, tmp_path: Path) -> None:
    told = _install(mirror, tmp_path, f"{NAME}==1.0 --hash=sha256:{_wheel(mirror)}")

    assert (told.returncode, _installed(tmp_path)) == (0, True), told.stderr


@pytest.mark.parametrize(("alter", "word"), LOCKS.values(), ids=LOCKS)
def test_under_any_other_lock_nothing_is_installed(
    mirror: Path, tmp_path: Path, alter: Callable[[str], str], word: str
) -> None:
    told = _install(mirror, tmp_path, f"{NAME}==1.0 {word}{alter(_wheel(mirror))}")

    assert told.returncode != 0
    assert "hash" in told.stderr.lower()
    assert not _installed(tmp_path)


def test_a_package_that_was_swapped_on_its_way_is_not_installed(mirror: Path, tmp_path: Path) -> None:
    locked = _wheel(mirror)
    _wheel(mirror, "somebody_elses = True\n")

    told = _install(mirror, tmp_path, f"{NAME}==1.0 --hash=sha256:{locked}")

    assert told.returncode != 0
    assert "do not match the hashes" in told.stderr.lower()
    assert not _installed(tmp_path)


def _wheel(folder: Path, text: str = "") -> str:
    """Make the package; its hash."""
    info = f"{NAME}-1.0.dist-info"
    files = {f"{NAME}.py": text, f"{info}/METADATA": META, f"{info}/WHEEL": KIND}
    record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / FILE, "w") as packed:
        for name, content in {**files, f"{info}/RECORD": record}.items():
            packed.writestr(name, content)
    return hashlib.sha256((folder / FILE).read_bytes()).hexdigest()


def _install(mirror: Path, folder: Path, line: str) -> "subprocess.CompletedProcess[str]":
    """As the Makefile does it, from the mirror alone."""
    lock = folder / "run.lock"
    lock.write_text(f"{line}\n")
    asked = ("--no-index", "--find-links", str(mirror), "--target", str(folder / "there"))
    command = [*_pip(), "install", "--require-hashes", *asked, "-r", str(lock)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _pip() -> list[str]:
    """The environment's own, or the one that Python brings to make it."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    bundled = Path(ensurepip.__file__).parent / "_bundled"
    return [sys.executable, str(next(bundled.glob("pip-*.whl")) / "pip")]


def _installed(folder: Path) -> bool:
    return (folder / "there" / f"{NAME}.py").exists()
