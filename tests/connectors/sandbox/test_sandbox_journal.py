"""The journal survives a process that dies at any instruction."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.sandbox.config import load_or_store
from connectors.sandbox.journal import FACTS, STATE, wait_for
from connectors.sandbox.memory import Memory
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE, Voucher
from tests.connectors.sandbox.sandbox_stage import config, open_journal

NOW = int(datetime(2026, 5, 1, tzinfo=UTC).timestamp())
VOUCHER = Voucher(SHOPIFY, 0, "BDAY-7", "percent", "15", None, datetime(2026, 6, 1, tzinfo=UTC), "Birthday")


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.append(FACTS, {"n": 1})
    journal.append(FACTS, {"n": 2})
    journal.close()

    assert [line["n"] for line in open_journal(tmp_path).read(FACTS)] == [1, 2]


@pytest.mark.parametrize("torn", [b'{"n":2,"half', b"x" * 70_000])
def test_a_torn_last_line_is_forgotten(tmp_path: Path, torn: bytes) -> None:
    (tmp_path / "facts.jsonl").write_bytes(b'{"n":1}\n' + torn)

    journal = open_journal(tmp_path)
    journal.append(FACTS, {"n": 3})

    assert [line["n"] for line in journal.read(FACTS)] == [1, 3]


def test_a_file_that_holds_nothing_but_a_torn_line_becomes_empty(tmp_path: Path) -> None:
    (tmp_path / "facts.jsonl").write_bytes(b'{"n"')

    assert list(open_journal(tmp_path).read(FACTS)) == []


def test_a_cut_file_goes_on_at_its_new_end(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.append(FACTS, {"n": 1})
    size = journal.size(FACTS)
    journal.append(FACTS, {"n": 2})

    journal.cut(FACTS, size)
    journal.append(FACTS, {"n": 3})

    assert [line["n"] for line in journal.read(FACTS)] == [1, 3]


def test_who_syncs_waits_for_lines_that_another_takes_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _file: disk.wait(5))
    journal = open_journal(tmp_path)
    journal.append(FACTS, {"n": 1})
    journal.start_sync(FACTS)

    others = journal.start_sync(FACTS)

    assert [future.done() for future in others] == [False]
    disk.set()
    wait_for(others)


def test_the_first_configuration_is_kept(tmp_path: Path) -> None:
    first = load_or_store(tmp_path, config(seed=7))

    second = load_or_store(tmp_path, config(seed=8))

    assert second == first
    assert second.rates == first.rates


def test_memory_comes_back_from_the_journal(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    memory = Memory(journal, lambda: NOW)
    memory.remember("key", {"name": "a"})
    minted = memory.mint(VOUCHER)
    journal.sync(STATE)

    again = Memory(open_journal(tmp_path), lambda: NOW)
    again.restore(NOW)

    assert again.remembered("key") == [{"name": "a"}]
    assert again.remembered_at("key") == [(NOW, {"name": "a"})]
    assert again.voucher(SHOPIFY, "bday-7") == minted
    assert again.next_id("voucher") == minted.external_id + 1


def test_a_code_is_taken_whatever_its_case_but_only_in_its_own_shop(tmp_path: Path) -> None:
    memory = Memory(open_journal(tmp_path), lambda: NOW)
    memory.mint(VOUCHER)

    with pytest.raises(ValueError, match="exists"):
        memory.mint(Voucher(SHOPIFY, 0, "bday-7", "percent", "15", None, None, ""))
    assert memory.voucher(WOOCOMMERCE, "BDAY-7") is None


def test_a_redemption_of_an_unfinished_advance_is_made_anew(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    memory = Memory(journal, lambda: NOW)
    voucher = memory.mint(VOUCHER)
    memory.redeem(voucher, 11, NOW - 60)
    memory.redeem(voucher, 12, NOW + 60)
    journal.sync(STATE)

    again = Memory(open_journal(tmp_path), lambda: NOW)
    again.restore(NOW)

    assert again.redeemed_codes(11) == ("BDAY-7",)
    assert again.redeemed_codes(12) == ()
