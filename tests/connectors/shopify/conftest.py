"""Whole payloads and vectors, by topic."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "fixtures" / "shopify"


@pytest.fixture
def body_of() -> Callable[[str], bytes]:
    """The raw body of a topic's sample delivery."""
    return lambda topic: (FOLDER / f"{topic}.json").read_bytes()


@pytest.fixture
def payload_of(body_of: Callable[[str], bytes]) -> Callable[[str], dict[str, Any]]:
    """The parsed body of a topic's sample delivery, free to change."""
    return lambda topic: json.loads(body_of(topic))
