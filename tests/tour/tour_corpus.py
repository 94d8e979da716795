"""What somebody may call herself, her order or her opinion in order to run a script on a merchant's screen.

Whatever is ever taken for markup sets `window.__xss` of its page or of the one around it, or opens a dialog.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import clock
from app.db import table_of
from app.models import (
    Consent,
    Customer,
    CustomerEvent,
    InboundEvent,
    Message,
    Order,
    OrderLine,
    Product,
    Review,
    Voucher,
)
from tests.tour import tour_worlds

CORPUS = (
    "<script>window.__xss=1</script>",
    "\"><img src=x onerror='window.__xss=1'>",
    "'><svg/onload=window.__xss=1>",
    "</title></textarea></script><script>window.__xss=1</script>",
    '" autofocus onfocus=window.__xss=1 tabindex=1 x="',
    "<iframe srcdoc='<script>parent.__xss=1;alert(1)</script>'></iframe>",
    "<a href='javascript:window.__xss=1' id=main>x</a>",
    "&lt;img src=x onerror=window.__xss=1&gt;&#60;script&#62;window.__xss=1&#60;/script&#62;",
    "--></style><style>@import 'https://evil.example';</style><details open ontoggle=window.__xss=1>",
    '<math><mtext><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=window.__xss=1&gt;">',
    "<form action='https://evil.example'><button>x</button></form><base href='https://evil.example/'>",
    "{{ 7*7 }}{% for x in (1..3) %}<b onclick=window.__xss=1>{% endfor %}${window.__xss=1}`\\u003cb\\u003e",
    "\u202e<object data='data:text/html,<script>parent.__xss=1</script>'></object>\u2028\u2029",
)
ADDRESS = "javascript:window.__xss=1//"
CHUNKS = tuple(" ".join(CORPUS[start::3]) for start in range(3))
"""Three texts with all pieces: few rows stand on one screen, and each field shall meet each piece."""
STORE = 1


def make_hostile(full_home: Path, folder: Path) -> str:
    """A copy of the full database in which shoppers mean harm wherever they may write."""
    url = f"sqlite:///{folder / 'ritorno.db'}"
    shutil.copytree(full_home / "var", folder / "var")
    shutil.copyfile(full_home / "ritorno.db", folder / "ritorno.db")
    tour_worlds.change(url, _plant)
    return url


def hostile_customers(session: Session) -> list[int]:
    """One customer for each chunk."""
    return list(session.scalars(select(Customer.id).where(Customer.store_id == STORE).order_by(Customer.id)))[
        :3
    ]


def _plant(session: Session) -> None:
    for model, fields in _FIELDS.items():
        keys = list(table_of(model).primary_key)
        for number, row in enumerate(session.execute(select(*keys)).all()):
            mine = [key == value for key, value in zip(keys, row, strict=True)]
            session.execute(update(model).where(*mine).values(**fields(CHUNKS[number % 3])))
    session.add_all(_reviews(session))
    session.add_all(_cases(session))
    dead = select(InboundEvent.id).where(InboundEvent.store_id == STORE).order_by(InboundEvent.id).limit(3)
    for number, event_id in enumerate(session.scalars(dead).all()):
        words = {"status": "dead", "error": CHUNKS[number], "topic": CHUNKS[number][:100]}
        session.execute(update(InboundEvent).where(InboundEvent.id == event_id).values(**words))


_FIELDS: dict[type, Callable[[str], dict[str, Any]]] = {
    Customer: lambda text: {
        "first_name": text,
        "last_name": text,
        "city": text,
        "region": text,
        "phone": text,
        "own_words": {"note": text},
        "tags": [text],
    },
    Order: lambda text: {"number": text, "status": text, "financial_status": text, "discount_codes": [text]},
    OrderLine: lambda text: {"title": text},
    Product: lambda text: {
        "title": text,
        "vendor": text,
        "url": ADDRESS,
        "image_url": ADDRESS,
        "tags": [text],
    },
    Consent: lambda text: {"wording": text, "source": text},
    Voucher: lambda text: {"name": text},
    Message: lambda text: {"subject": text, "to_address": text},
}


def _reviews(session: Session) -> Iterator[Review]:
    for number, customer_id in enumerate(hostile_customers(session)):
        yield Review(
            store_id=STORE,
            source="ritorno",
            external_id=f"{number}:service:",
            object="service",
            customer_id=customer_id,
            display_name=CHUNKS[number],
            rating=1 + number,
            text=CHUNKS[number],
            status="given",
            is_verified=True,
            written_at=clock.now(),
        )


def _cases(session: Session) -> Iterator[CustomerEvent]:
    for number, customer_id in enumerate(hostile_customers(session)):
        for kind in ("support.opened", "support.closed", "tag.added", "voucher.redeemed"):
            words = dict.fromkeys(("subject", "case", "tag", "code", "number", "step"), CHUNKS[number])
            yield CustomerEvent(
                store_id=STORE,
                customer_id=customer_id,
                type=kind,
                subject=CHUNKS[number],
                source_key=f"hostile:{kind}:{number}",
                occurred_at=clock.now(),
                recorded_at=clock.now(),
                details=words,
            )
