"""What atheris makes up, read by all that reads strangers: for so many inputs, or for so many seconds.

`python -m tests.attacks.fuzz_parsers inputs 60000` begins alike each time, as CI asks (`make fuzzed`);
`… seconds 90` goes on from what it found before, in var/fuzz (`make fuzz`).

What breaks a parser is printed; add it to tests/attacks/corpus.txt, and it is an ordinary test.
"""

import base64
import sys
from collections.abc import Iterable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["connectors"]):
    from tests.attacks.parsers import CORPUS, parsers

_PARSERS = list(parsers().items())
_FOLDER = Path("var/fuzz")
_LONGEST = 4096
_SEED = 20261126


def one(given: bytes) -> None:
    """The first byte chooses the parser, the rest is what it is given."""
    if not given:
        return
    name, parser = _PARSERS[given[0] % len(_PARSERS)]
    try:
        parser.survives(given[1:])
    except BaseException:
        words = f"{name} failed at {given[1:]!r}\nfor {CORPUS}:\n{base64.b64encode(given[1:]).decode()}\n"
        # At once: what it raised goes on, and ends the process.
        sys.stderr.write(words)
        sys.stderr.flush()
        raise


def _main(kind: str, count: str) -> None:
    seeds = _FOLDER / "seeds"
    seeds.mkdir(parents=True, exist_ok=True)
    paths = list(_planted(seeds))
    ends = {
        # Named one by one: a folder is read in whatever order it has.
        "inputs": ["-verbosity=0", f"-runs={count}", f"-seed={_SEED}", f"-seed_inputs={','.join(paths)}"],
        "seconds": [f"-max_total_time={count}", str(seeds)],
    }
    bounds = [f"-max_len={_LONGEST}", f"-artifact_prefix={_FOLDER}/"]
    atheris.Setup([sys.argv[0], *bounds, *ends[kind]], one)
    atheris.Fuzz()


def _planted(folder: Path) -> Iterable[str]:
    """What each parser takes, as files to begin with."""
    for number, (name, parser) in enumerate(_PARSERS):
        for place, seed in enumerate(parser.seeds):
            path = folder / f"{name.replace('/', '-').replace(' ', '-')}-{place}"
            path.write_bytes(bytes([number]) + seed)
            yield str(path)


if __name__ == "__main__":
    _main(*sys.argv[1:])
