"""`python -m tests.attacks.fuzz_api EXAMPLES`: what schemathesis makes of our description, asked of the app.

Every operation of openapi.json gets so many made-up requests of each kind (as described, and not), in this
process: no answer may be a 5xx, and each must be as the description says.
"""

import sys
import tempfile
from pathlib import Path

import schemathesis
from cryptography.fernet import Fernet
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app import clock
from app.config import Settings
from app.db import Base
from app.runtime import Runtime
from tests.web.web_shops import NOW, Shop, make_app, make_shop

_DESCRIPTION = "/api/v1/openapi.json"
# A cursor is one of ours or refused, and who was erased takes no news: no schema can say so.
_NOT_ASKED = [positive_data_acceptance]
_KINDS = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def attack(app: Flask, shop: Shop, examples: int) -> list[str]:
    """Ask every operation, and return what was wrong of each that failed."""
    schema = schemathesis.openapi.from_wsgi(_DESCRIPTION, app)
    wrong = []
    for found in schema.get_all_operations():
        for kind in _KINDS:
            try:
                _ask(found.ok(), kind, shop, examples)
            except (AssertionError, BaseExceptionGroup) as failure:
                wrong.append(f"{found.ok().label}, {kind.value}: {failure}")
    return wrong


def _ask(operation: APIOperation, kind: GenerationMode, shop: Shop, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=kind))
    def _once(case: Case) -> None:
        case.call_and_validate(headers=shop.headers, excluded_checks=_NOT_ASKED)

    _once()


def _main(examples: int) -> int:
    with tempfile.TemporaryDirectory() as folder, clock.frozen_at(NOW):
        url = f"sqlite:///{Path(folder) / 'fuzz.db'}"
        keys = Fernet.generate_key().decode()
        runtime = Runtime.build(Settings(database_url=url, secret_key="fuzz", encryption_keys=keys))
        Base.metadata.create_all(runtime.database.engine)
        shop = make_shop(runtime, "azure")
        wrong = attack(make_app(runtime), shop, examples)
        runtime.database.dispose()
    told = "\n\n".join(wrong) or f"nothing was wrong in {examples} requests of each kind an operation"
    sys.stdout.write(f"{told}\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
