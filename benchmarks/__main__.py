"""`python -m benchmarks [receive …]`: every figure beside the floor of the same work, taken in the same run."""

import argparse

from benchmarks import machine, receive
from benchmarks.databases import Databases, opened


def main() -> None:
    """Run what was asked for and print it."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *_PARTS], metavar="PART", help=", ".join(_PARTS))
    parser.add_argument("--only", default="", help="cases whose title holds this text")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each round of `receive`")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--server", metavar="URL", help="a PostgreSQL to fill; one of our own by default")
    arguments = parser.parse_args()
    print(machine.moment())
    with opened(arguments.server) as databases:
        print(f"{machine.describe()}, PostgreSQL {databases.version()}", flush=True)
        for part in arguments.parts or _PARTS:
            _PARTS[part](databases, arguments)


def _receive(databases: Databases, arguments: argparse.Namespace) -> None:
    print(f"\nP1 receive, {receive.CONNECTIONS} connections, {len(receive.order_body())} bytes a body")
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


_PARTS = {"receive": _receive}

if __name__ == "__main__":
    main()
