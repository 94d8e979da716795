"""The figure: ten thousand webhooks, a tenth each dropped, doubled and shuffled, and not one wrong send."""

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.model import SHOPIFY
from tests.e2e.small_world import BUSY, Size, small_world
from tests.oracle import Verdict

MANY = 10_000
# What is dropped is neither doubled nor late, so the others' rates are of the nine tenths that are left.
TENTHS = replace(BUSY, lost=0.1, duplicate=0.111, delayed=0.111)
SHOPIFY_ALONE = Size(7, 220, 150, TENTHS, (SHOPIFY,), timedelta(hours=6))
_LEFT = ("sent", "delivered", "bounced")


@pytest.mark.oracle
@pytest.mark.timeout(3000)
def test_ten_thousand_harmed_webhooks_leave_an_equal_mirror_and_no_wrong_send(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    with small_world(SHOPIFY_ALONE, tmp_path, database_url) as world:
        verdict = world.play()
    figures = _figures(tmp_path, verdict) | {"seconds": round(time.monotonic() - began)}
    with capsys.disabled():
        sys.stdout.write(f"\n{json.dumps(figures)}\n")

    # Each side of a comparison that finds a message on the other only is a difference, and so is a
    # moment: what was sent was owed at that instant by the emulator's log, and what was owed is there.
    assert verdict.differences == []
    assert figures["webhooks"] >= MANY
    for harm in ("dropped", "doubled", "shuffled"):
        assert figures[harm] / figures["webhooks"] == pytest.approx(0.1, abs=0.01), harm


def _figures(journal: Path, verdict: Verdict) -> dict[str, Any]:
    lines = [json.loads(line) for line in (journal / "deliveries.jsonl").read_text().splitlines()]
    ours = [line for line in lines if line["platform"] == SHOPIFY and not line["forged"]]
    messages = Counter(row.status for row in verdict.actual.messages.values())
    return {
        "webhooks": len(ours),
        "dropped": sum(line["lost"] for line in ours),
        "doubled": sum(line["duplicate"] for line in ours),
        "shuffled": sum(line["delayed"] for line in ours),
        "customers": len(verdict.actual.customers),
        "orders": len(verdict.actual.orders),
        "messages": sum(messages.values()),
        "left": _count(messages),
        "differences": len(verdict.differences),
    }


def _count(messages: Mapping[str, int]) -> int:
    return sum(messages[status] for status in _LEFT)
