"""What the shops keep besides the script: vouchers, keys, webhooks, redeemed codes; all of it journaled.

Whoever answers for what was kept here puts the journal's STATE on the disk first: once, however many codes a
request makes (`server.create_app`; an advance ends with it).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from threading import RLock
from typing import Any

from connectors.sandbox.journal import STATE, Journal
from connectors.sandbox.model import Voucher
from connectors.sandbox.moments import parse_rfc3339, rfc3339

_VOUCHER = "voucher"
_REDEMPTION = "redemption"
_ID = "id"
_FIRST_ID = 7_000_000_001


class Memory:
    """The state file of the journal as objects."""

    def __init__(self, journal: Journal, now: Callable[[], int]) -> None:
        self._journal = journal
        self._now = now
        self._lock = RLock()
        self._values: dict[str, list[Mapping[str, object]]] = {}
        self._moments: dict[str, list[int]] = {}
        self._ids: dict[str, int] = {}
        self._vouchers: dict[tuple[str, str], Voucher] = {}
        self._redeemed: dict[int, tuple[str, ...]] = {}

    def restore(self, now: int) -> None:
        """Read the state file; a redemption after `now` is of an advance that was never finished."""
        for line in self._journal.read(STATE):
            at, kind, value = parse_rfc3339(line["at"]), line["kind"], line["value"]
            if kind == _VOUCHER:
                self._put_voucher(_voucher_from(value))
            elif kind == _ID:
                self._ids[value["kind"]] = value["id"]
            elif kind != _REDEMPTION:
                self._keep(kind, value, at)
            elif at <= now:
                self._put_redemption(value["platform"], value["code"], value["basket"])

    def next_id(self, kind: str) -> int:
        """A fresh id of a kind; never given twice, not even by a restarted process."""
        with self._lock:
            fresh = self._ids.get(kind, _FIRST_ID - 1) + 1
            self._ids[kind] = fresh
            self._write(_ID, {"kind": kind, "id": fresh})
            return fresh

    def remember(self, kind: str, value: Mapping[str, object]) -> None:
        """Keep a fact of the APIs."""
        with self._lock:
            self._keep(kind, dict(value), self._now())
            self._write(kind, value)

    def remembered(self, kind: str) -> Sequence[Mapping[str, object]]:
        """The facts of a kind, oldest first: the living list, which grows."""
        with self._lock:
            return self._values.setdefault(kind, [])

    def remembered_at(self, kind: str) -> Sequence[tuple[int, Mapping[str, object]]]:
        """The facts of a kind with the simulated moment at which each was kept."""
        with self._lock:
            return list(zip(self._moments.get(kind, []), self._values.get(kind, []), strict=True))

    def mint(self, voucher: Voucher) -> Voucher:
        """Keep a new code.

        Raises:
            ValueError: the shop already has the code.
        """
        with self._lock:
            if self.voucher(voucher.platform, voucher.code):
                raise ValueError(f"the code {voucher.code} exists")
            external_id = voucher.external_id or self.next_id(_VOUCHER)
            minted = replace(voucher, external_id=external_id)
            self._put_voucher(minted)
            self._write(_VOUCHER, asdict(minted) | _moments_of(minted))
        return minted

    def voucher(self, platform: str, code: str) -> Voucher | None:
        """A code by its text, whatever its case."""
        return self._vouchers.get((platform, code.upper()))

    def redeem(self, voucher: Voucher, basket: int, at: int) -> None:
        """Note that an order carries a code; written with the facts of the advance."""
        with self._lock:
            self._put_redemption(voucher.platform, voucher.code, basket)
            line = {"platform": voucher.platform, "code": voucher.code, "basket": basket}
            self._journal.append(STATE, {"at": rfc3339(at), "kind": _REDEMPTION, "value": line})

    def redeemed_codes(self, basket: int) -> tuple[str, ...]:
        """The codes an order carries."""
        return self._redeemed.get(basket, ())

    def _write(self, kind: str, value: Mapping[str, object]) -> None:
        self._journal.append(STATE, {"at": rfc3339(self._now()), "kind": kind, "value": value})

    def _keep(self, kind: str, value: Mapping[str, object], at: int) -> None:
        self._moments.setdefault(kind, []).append(at)
        self._values.setdefault(kind, []).append(value)

    def _put_voucher(self, voucher: Voucher) -> None:
        self._vouchers[voucher.platform, voucher.code.upper()] = voucher

    def _put_redemption(self, platform: str, code: str, basket: int) -> None:
        voucher = self._vouchers[platform, code.upper()]
        self._put_voucher(replace(voucher, redeemed_by_order=basket))
        self._redeemed[basket] = (*self._redeemed.get(basket, ()), code)


def _moments_of(voucher: Voucher) -> dict[str, str | None]:
    starts, expires = voucher.starts_at, voucher.expires_at
    return {
        "starts_at": starts.isoformat() if starts else None,
        "expires_at": expires.isoformat() if expires else None,
    }


def _voucher_from(value: Mapping[str, Any]) -> Voucher:
    moments = {
        name: datetime.fromisoformat(value[name]) if value[name] else None
        for name in ("starts_at", "expires_at")
    }
    return Voucher(**(dict(value) | moments))
