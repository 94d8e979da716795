"""`python -m benchmarks [receive …]`: each figure beside the floor of the same work, in the same run."""

import argparse
from pathlib import Path

from benchmarks import (
    bulk,
    callbacks,
    click_storm,
    clicks,
    hits,
    machine,
    mirror,
    receive,
    render,
    screens,
    send,
    simulate,
    start,
    ticks,
    why,
    woo_backfill,
)
from benchmarks.bodies import order_body
from benchmarks.databases import Databases, opened


def main() -> None:
    """Run what was asked for and print it."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *_PARTS], metavar="PART", help=", ".join(_PARTS))
    parser.add_argument("--only", default="", help="cases whose title holds this text")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each round of `receive`")
    parser.add_argument("--orders", type=int, default=10_000, help="of `mirror`, `bulk` and `woo_backfill`")
    parser.add_argument(
        "--large", type=int, default=200_000, help="orders of `bulk` and `woo_backfill` for their memory"
    )
    parser.add_argument(
        "--households", type=int, default=600, help="of the emulator in `bulk` and `woo_backfill`"
    )
    parser.add_argument("--messages", type=int, default=10_000, help="of `send` and `render`")
    parser.add_argument("--posts", type=int, default=200, help="of `callbacks`, a hundred events each")
    parser.add_argument("--clicks", type=int, default=3000, help="of `clicks`")
    parser.add_argument("--customers", type=int, default=100_000, help="of `why`, `simulate` and `screens`")
    parser.add_argument("--decisions", type=int, default=5_000_000, help="of `why`")
    parser.add_argument("--waiting", type=int, default=10_000_000, help="timers of `ticks`")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="`screens` finds its stores there again")
    parser.add_argument("--server", metavar="URL", help="a PostgreSQL to fill; one of our own by default")
    arguments = parser.parse_args()
    print(machine.moment())
    with opened(arguments.server, arguments.keep) as databases:
        print(f"{machine.describe()}, PostgreSQL {databases.version()}", flush=True)
        for part in arguments.parts or _PARTS:
            _PARTS[part](databases, arguments)


def _receive(databases: Databases, arguments: argparse.Namespace) -> None:
    print(f"\nP1 receive, {receive.CONNECTIONS} connections, {len(order_body())} bytes a body")
    for pair in receive.pairs():
        if arguments.only not in pair.title:
            continue
        floor, product = receive.compare(pair, databases, seconds=arguments.seconds, rounds=arguments.rounds)
        for name, figure in (("floor", floor), ("product", product)):
            print(
                f"  {pair.title:22} {name:8} {figure.rate:7.0f}/s  p50 {figure.p50_ms:5.1f} ms  "
                f"p99 {figure.p99_ms:5.1f} ms  server {figure.cpu_us:4.0f} us CPU each "
                f"({figure.server_cpu_share:.0%} of a core), load {figure.load_cpu_share:.0%}"
            )
        print(
            f"  {pair.title:22} {product.rate / floor.rate:.0%} of the floor (goal {pair.goal:.0%})",
            flush=True,
        )


def _mirror(databases: Databases, arguments: argparse.Namespace) -> None:
    print(f"\nP2 mirror, {arguments.orders} orders of 2 lines, batches of {mirror.BATCH}")
    for kind in ("SQLite", "PostgreSQL"):
        best = mirror.compare(kind, databases, orders=arguments.orders, rounds=arguments.rounds)
        floor = best.pop("floor")
        print(f"  {kind:11} floor    {floor.new:6.0f}/s new, {floor.again:6.0f}/s again")
        for name, rates in best.items():
            print(
                f"  {kind:11} {name:8} {rates.new:6.0f}/s new ({rates.new / floor.new:.0%}), "
                f"{rates.again:6.0f}/s again ({rates.again / floor.again:.0%}); per CPU second "
                f"{rates.new_cpu / floor.new_cpu:.0%} and {rates.again_cpu / floor.again_cpu:.0%} (goal 30%)",
                flush=True,
            )


def _bulk(databases: Databases, arguments: argparse.Namespace) -> None:
    print(f"\nP2 bulk, a file of {arguments.orders} orders of 2 lines, {bulk.BATCH} orders a commit")
    for kind in ("SQLite", "PostgreSQL"):
        floor, product = bulk.compare(kind, databases, orders=arguments.orders, rounds=arguments.rounds)
        print(
            f"  {kind:11} floor {floor.rate:6.0f}/s, product {product.rate:6.0f}/s "
            f"({product.rate / floor.rate:.0%}; per CPU second {product.cpu_rate:.0f}, "
            f"{product.cpu_rate / floor.cpu_rate:.0%}; goal 50%), {product.mib:.0f} MiB",
            flush=True,
        )
    if arguments.large:
        _, large = bulk.compare("SQLite", databases, orders=arguments.large, rounds=1)
        print(
            f"  {arguments.large} orders: {large.rate:.0f}/s, 1,000,000 in {1e6 / large.cpu_rate:.0f} s CPU, "
            f"{large.mib:.0f} MiB (at most {bulk.MOST_MIB:.0f})",
            flush=True,
        )
    found, orders = bulk.emulated(databases, households=arguments.households)
    print(f"  through the emulator: {orders} orders, {found.rate:.0f}/s (goal {bulk.LEAST_EMULATED:.0f})")


def _woo_backfill(databases: Databases, arguments: argparse.Namespace) -> None:
    print(f"\nP2 WooCommerce's history, {arguments.orders} orders of 2 lines, pages of 100")
    for kind in ("SQLite", "PostgreSQL"):
        found = woo_backfill.compare(kind, databases, orders=arguments.orders, rounds=arguments.rounds)
        floor, product = found
        print(
            f"  {kind:11} floor {floor.rate:6.0f}/s, product {product.rate:6.0f}/s "
            f"({product.rate / floor.rate:.0%}; per CPU second {product.cpu_rate:.0f}, "
            f"{product.cpu_rate / floor.cpu_rate:.0%}; goal 30%), {product.mib:.0f} MiB",
            flush=True,
        )
    if arguments.large:
        large = min(arguments.large, 100_000)
        floor, run = woo_backfill.compare("SQLite", databases, orders=large, rounds=1)
        print(
            f"  {large} orders: floor {floor.rate:.0f}/s, product {run.rate:.0f}/s "
            f"({run.rate / floor.rate:.0%}; per CPU second {run.cpu_rate / floor.cpu_rate:.0%}), "
            f"{run.mib:.0f} MiB (at most {woo_backfill.MOST_MIB:.0f})",
            flush=True,
        )
    through, orders = woo_backfill.emulated(databases, households=arguments.households)
    print(
        f"  through the emulator: {orders} orders, {through.rate:.0f}/s "
        f"(goal {woo_backfill.LEAST_EMULATED:.0f})",
        flush=True,
    )


def _start(databases: Databases, arguments: argparse.Namespace) -> None:
    seconds, cpu = start.imports(arguments.rounds)
    print(f"\nP7 start: the imports of the named packages alone take {seconds:.2f} s ({cpu:.2f} s CPU)")
    for run in start.measure(databases, arguments.rounds):
        print(
            f"  {run.title:33} first answer {run.seconds:.2f} s ({run.cpu_seconds:.2f} s CPU, "
            f"{run.seconds / seconds:.1f}x the imports), {run.mib:.1f} MiB (at most {run.limit_mib:.0f})",
            flush=True,
        )


def _send(databases: Databases, arguments: argparse.Namespace) -> None:
    print(f"\nP5 send, {arguments.messages} messages, {send.CONNECTIONS} connections")
    for kind in ("SQLite", "PostgreSQL"):
        for case in send.CASES:
            floor, product = send.compare(
                kind, databases, case, messages=arguments.messages, rounds=arguments.rounds
            )
            print(
                f"  {kind:11} {case.title:21} floor {floor.wall:6.0f}/s, product {product.wall:5.0f}/s "
                f"({product.wall / floor.wall:.0%}); per CPU second {product.cpu:.0f} of {floor.cpu:.0f} "
                f"(goal {case.goal})",
                flush=True,
            )


def _callbacks(databases: Databases, arguments: argparse.Namespace) -> None:
    print(f"\nP6 callbacks, {arguments.posts} posts of {callbacks.EVENTS} events")
    for kind in ("SQLite", "PostgreSQL"):
        floor, product = callbacks.compare(kind, databases, posts=arguments.posts, rounds=arguments.rounds)
        waits = callbacks.acknowledged(kind, databases, posts=arguments.posts)
        print(
            f"  {kind:11} floor {floor.whole:6.0f} events/s, product {product.whole:6.0f} events/s "
            f"({product.whole / floor.whole:.0%}; kept {product.kept:.0f}, read {product.read:.0f}; per CPU "
            f"second {product.cpu:.0f} of {floor.cpu:.0f}; goal 40%)"
        )
        print(
            f"  {kind:11} posts of {callbacks.LARGEST} events ({waits.kib:.0f} KiB) acknowledged: p50 "
            f"{waits.p50_ms:.1f} ms, p99 {waits.p99_ms:.1f} ms (at most 100)",
            flush=True,
        )


def _render(_databases: Databases, arguments: argparse.Namespace) -> None:
    found = render.compare(messages=arguments.messages, rounds=arguments.rounds)
    print(
        f"\nP4 render, a mail of {found.size / 1024:.1f} KiB with {render.PRODUCTS} products: "
        f"floor {found.floor:.0f}/s, product {found.product:.0f}/s a core "
        f"({found.product / found.floor:.0%}; goal 70%)",
        flush=True,
    )


def _clicks(databases: Databases, arguments: argparse.Namespace) -> None:
    print(f"\nClicks, {arguments.clicks} of as many mails, one after the other")
    for kind in ("SQLite", "PostgreSQL"):
        floor, product = clicks.compare(kind, databases, clicks=arguments.clicks, rounds=arguments.rounds)
        print(
            f"  {kind:11} floor {floor.wall:6.0f}/s, product {product.wall:5.0f}/s "
            f"({product.wall / floor.wall:.0%}; goal 60%); per CPU second "
            f"{product.cpu:.0f} of {floor.cpu:.0f} ({product.cpu / floor.cpu:.0%}); "
            f"led on {product.answered:.0f}/s",
            flush=True,
        )
    print(f"\nClicks from {click_storm.CONNECTIONS} connections, each kept; goal 5250/s")
    for kind in ("SQLite", "PostgreSQL"):
        found = click_storm.compare(kind, databases, visits=arguments.clicks, rounds=arguments.rounds)
        told = (
            f"{name} {storm.rate:5.0f}/s ({storm.cpu_us:3.0f} us CPU, p99 {storm.p99_ms:.0f} ms)"
            for name, storm in found.items()
        )
        print(f"  {kind:11} {', '.join(told)}", flush=True)


def _why(databases: Databases, arguments: argparse.Namespace) -> None:
    sizes = why.sizes(arguments.customers, arguments.decisions)
    print(f"\nK1 why, {', '.join(sizes)}; 400 questions")
    for kind in ("SQLite", "PostgreSQL"):
        if arguments.only not in kind:
            continue
        found = why.measure(kind, databases, customers=arguments.customers, decisions=arguments.decisions)
        print(
            f"  {kind:11} p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms, "
            f"worst {found.worst:.1f} ms (at most 200; on a core {found.worst_cpu:.1f} ms at most)",
            flush=True,
        )


def _screens(databases: Databases, arguments: argparse.Namespace) -> None:
    screens.tell(databases, customers=arguments.customers, only=arguments.only)


def _ticks(databases: Databases, arguments: argparse.Namespace) -> None:
    print(f"\nP3 ticks of {ticks.CLAIMS} claims, {arguments.waiting:,} timers waiting")
    for kind in ("SQLite", "PostgreSQL"):
        if arguments.only not in kind:
            continue
        found = ticks.compare(kind, databases, waiting=arguments.waiting)
        floor, product = found.floor, found.product
        print(
            f"  {kind:11} floor {floor.median:.2f} ms ({floor.median_cpu:.2f} CPU), product "
            f"{product.median:.2f} ms ({product.median_cpu:.2f} CPU), {product.rate:,.0f} claims/s "
            f"({floor.median / product.median:.0%}; goal 20%), worst {product.worst:.1f} ms; "
            f"empty {product.empty:.2f} ms ({product.empty_cpu:.2f} CPU; at most 1); "
            f"{found.growth:.2f} of a tick with {ticks.FEW:,} waiting ({found.few.median:.2f} ms; goal 1.5)",
            flush=True,
        )


def _hits(_databases: Databases, _arguments: argparse.Namespace) -> None:
    found = hits.compare()
    print(
        f"\nCross-selling, {found.baskets:,} real baskets, {found.people:,} households: hit@10 "
        f"{found.product:.1%} ({found.offered:.0%} got an offer), of the most bought {found.floor:.1%}",
        flush=True,
    )


def _simulate(databases: Databases, arguments: argparse.Namespace) -> None:
    customers = arguments.customers
    print(f"\nK2 dry run, a year of {customers:,} customers and {customers * simulate.ORDERS_EACH:,} orders")
    for found in simulate.measure(databases, customers, only=arguments.only):
        scale = 100_000 / customers
        print(
            f"  {found.flow:11} {found.messages:8} messages, {found.sent:8} would leave: "
            f"{found.seconds:.1f} s, "
            f"{found.cpu_seconds:.1f} s CPU; 100,000 customers in {found.seconds * scale:.0f} s here, "
            f"{found.cpu_seconds * scale:.0f} s CPU (goal 60 s on two cores)",
            flush=True,
        )


_PARTS = {
    "receive": _receive,
    "mirror": _mirror,
    "bulk": _bulk,
    "woo_backfill": _woo_backfill,
    "render": _render,
    "send": _send,
    "callbacks": _callbacks,
    "clicks": _clicks,
    "simulate": _simulate,
    "screens": _screens,
    "start": _start,
    "ticks": _ticks,
    "hits": _hits,
    "why": _why,
}

if __name__ == "__main__":
    main()
