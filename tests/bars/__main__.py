"""`python -m tests.bars [NAME …] [--quick]`: runs the bars, goes on after a missed one, and writes the page.

Every whole run of a bar is remembered under var/bars; the page shows the newest of each, so that one that was
missed can be run again by itself. A rehearsal (`--quick`) is told and written nowhere.
"""

import argparse
import signal
import sys
from pathlib import Path

from tests.bars import page, running
from tests.bars.bar import Bar
from tests.bars.bars import BARS
from tests.bars.judging import judge
from tests.bars.page import Result
from tests.bars.sizes import Scale

FOLDER = Path("var/bars")
PAGE = Path("RELIABILITY-RESULTS.md")


def main() -> int:
    """Run what was asked for; 1 if any of it was missed."""
    parser = argparse.ArgumentParser(prog="bars", description=__doc__)
    names = [bar.name for bar in BARS]
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"all of them by default: {', '.join(names)}"
    )
    parser.add_argument("--quick", action="store_true", help="with small numbers, to see that they work")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the figures are written")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(names)
    if unknown:
        parser.error(f"no bar is called {', '.join(sorted(unknown))}")
    chosen = [bar for bar in BARS if bar.name in (arguments.names or names)]
    scale = Scale.QUICK if arguments.quick else Scale.FULL
    # Who is asked to end has its tests end, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    FOLDER.mkdir(parents=True, exist_ok=True)
    results = [
        _run(bar, scale, f"{place}/{len(chosen)}", arguments.page) for place, bar in enumerate(chosen, 1)
    ]
    _say("\n" + page.summary(results))
    return 0 if all(result.is_met for result in results) else 1


def _run(bar: Bar, scale: Scale, place: str, written: Path) -> Result:
    _say(f"\n[{place}] {bar.name}: {bar.promise} (about {bar.minutes:g} min)")
    is_quick = scale is Scale.QUICK
    moment = page.moment()
    run = running.run(bar, scale, FOLDER)
    verdict = judge(bar.bounds, bar.databases, run.cases, is_quick=is_quick)
    result = Result.of(bar, verdict, moment=moment, seconds=run.seconds)
    _say(page.section(bar, result))
    if not is_quick:
        page.remember(FOLDER, result)
        written.write_text(page.whole(FOLDER))
    return result


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
