"""The locks install with any pip: also one that looks for an extra's pin under the extra's own name."""

import re
from importlib.metadata import distributions
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = Path(__file__).parents[2] / "requirements"


def pinned(lock: Path) -> dict[str, set[str]]:
    """The extras that a lock pins, by package."""
    lines = (
        line for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line and line[0].isalnum()
    )
    pins = (Requirement(line.removesuffix("\\").strip()) for line in lines)
    return {canonicalize_name(pin.name): pin.extras for pin in pins}


@pytest.mark.parametrize("lock", sorted(LOCKS.glob("*.lock")), ids=lambda lock: lock.name)
def test_every_pin_has_its_hash_and_every_installation_asks_for_it(lock: Path) -> None:
    pins = re.split(r"^(?=\S+==)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    installed = [line for line in (LOCKS.parent / "Makefile").read_text().splitlines() if lock.name in line]

    assert pins
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []
    assert any("--require-hashes" in line for line in installed if "-r " in line)


@pytest.mark.parametrize("name", ["dev.lock", "run.lock"])
def test_a_lock_pins_every_extra_that_a_locked_package_asks_for(name: str) -> None:
    extras = pinned(LOCKS / name)
    locked = [found for found in distributions() if canonicalize_name(found.name) in extras]

    asked = [Requirement(line) for line in chain.from_iterable(found.requires or () for found in locked)]
    missing = {
        str(need)
        for need in asked
        if (need.marker is None or need.marker.evaluate({"extra": ""}))
        and not need.extras <= extras.get(canonicalize_name(need.name), set())
    }

    assert not missing, f"a pip before 23.3 cannot install {name}: it pins {missing} without the extra"
