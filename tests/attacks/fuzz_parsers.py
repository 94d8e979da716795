"""`python -m tests.attacks.fuzz_parsers SECONDS`: what atheris makes up, read by all that reads strangers.

What breaks one is written to var/fuzz; add it to tests/attacks/corpus.txt (base64, without the first byte,
which chooses the parser), and it is an ordinary test.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["connectors"]):
    from tests.attacks.parsers import parsers

_PARSERS = list(parsers().items())
_FOLDER = Path("var/fuzz")
_LONGEST = 4096


def one(given: bytes) -> None:
    """The first byte chooses the parser, the rest is what it is given."""
    if given:
        _, parser = _PARSERS[given[0] % len(_PARSERS)]
        parser.survives(given[1:])


def _main(seconds: str) -> None:
    seeds = _FOLDER / "seeds"
    seeds.mkdir(parents=True, exist_ok=True)
    for number, (name, parser) in enumerate(_PARSERS):
        for place, seed in enumerate(parser.seeds):
            (seeds / f"{name.replace('/', '-')} {place}").write_bytes(bytes([number]) + seed)
    bounds = [f"-max_total_time={seconds}", f"-max_len={_LONGEST}", f"-artifact_prefix={_FOLDER}/"]
    atheris.Setup([sys.argv[0], *bounds, str(seeds)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    _main(sys.argv[1] if len(sys.argv) > 1 else "60")
