"""A worker that reads one history and prints JSON: `bulk_reader DATABASE_URL SHOP_URL DOMAIN TOKEN`.

The domain `woocommerce` stands for a WooCommerce at that URL, whose key is known.
"""

import gc
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, func, select

from app.db import table_of
from app.models import Backfill, Order, OrderLine
from app.runtime import Runtime
from app.stores.platforms import WOOCOMMERCE
from benchmarks import stores
from connectors.channels.local import LocalChannel
from jobs import pulls
from jobs.kit import Kit

_PAUSE_SECONDS = 0.05


def read(url: str, shop_url: str, domain: str, token: str) -> dict[str, float]:
    """Read all orders; the seconds, those of this process, its memory at the most, and what arrived.

    Raises:
        RuntimeError: the shop failed.
    """
    runtime = _connected(url, shop_url, domain, token)
    kit = Kit.build(runtime, LocalChannel(None))
    now = datetime(2026, 11, 2, 9, tzinfo=UTC)
    with runtime.database.write() as session:
        session.execute(delete(Backfill).where(Backfill.resource != "orders"))
    # As a worker does it: what was loaded by now is not looked through again for garbage.
    gc.collect()
    gc.freeze()
    before, begun, cpu = _resident_mib(), time.perf_counter(), time.process_time()
    while True:
        pulls.run_backfills(kit, now)
        with runtime.database.read() as session:
            row = session.execute(select(Backfill)).scalar_one()
        if row.error:
            raise RuntimeError(row.error)
        if row.finished_at is not None:
            break
        if row.next_at > now:
            # The emulator writes its file in real time, as a worker between two ticks would let it.
            time.sleep(_PAUSE_SECONDS)
            now = row.next_at
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    with runtime.database.read() as session:
        orders = session.execute(select(func.count()).select_from(table_of(Order))).scalar_one()
        lines = session.execute(select(func.count()).select_from(table_of(OrderLine))).scalar_one()
    runtime.database.dispose()
    figures = {"seconds": seconds, "cpu_seconds": cpu, "mib": _resident_mib(), "mib_before": before}
    return {**figures, "orders": orders, "lines": lines, "total": row.total or 0}


def _connected(url: str, shop_url: str, domain: str, token: str) -> Runtime:
    if domain == WOOCOMMERCE:
        return stores.connect_woocommerce(url, shop_url)
    return stores.connect(
        url, domain=domain, token=token, shopify_admin_url=shop_url, allow_private_stores=True
    )


def _resident_mib() -> float:
    """The most that this program held: what getrusage tells begins with what its parent held."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    print(json.dumps(read(*sys.argv[1:5])))
