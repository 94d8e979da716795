"""Handshakes under way: a random state, good once, for one shop and for one browser.

The state is kept as a hash and lives by the database's clock, never by the simulated one.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from app.crypto import Vault
from app.db import insert_new, table_of, wall_now
from app.models import InstallAttempt
from app.stores.platforms import SHOPIFY, WOOCOMMERCE

ATTEMPTS = table_of(InstallAttempt)
LIFETIMES: Mapping[str, timedelta] = {
    SHOPIFY: timedelta(minutes=10),
    WOOCOMMERCE: timedelta(minutes=30),
}

_ARRIVAL_LASTS = timedelta(seconds=90)
"""Longer than the transport lets the exchange take."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A handshake that came back to where it began. `keys` are WooCommerce's, as they were handed over."""

    id: int
    shop: str
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)


def start(session: Session, *, platform: str, shop: str, browser: str) -> str:
    """Begin a handshake and return its state, which only the shop and this browser may bring back.

    Args:
        shop: the domain or URL that the handshake is for, already normalised.
        browser: the secret of the browser's cookie.
    """
    moment = wall_now(session)
    session.execute(delete(InstallAttempt).where(InstallAttempt.expires_at <= moment))
    state = secrets.token_urlsafe(32)
    session.add(
        InstallAttempt(
            state_hash=_digest(state),
            platform=platform,
            shop=shop,
            browser_hash=_digest(browser),
            sealed_keys=None,
            created_at=moment,
            expires_at=moment + LIFETIMES[platform],
            used_at=None,
        )
    )
    session.flush()
    return state


def claim_shopify(session: Session, *, state: str, shop: str, browser: str) -> Claimed | None:
    """Use a state up; None if it is unknown, used, too old, another browser's or another shop's."""
    moment = wall_now(session)
    statement = (
        update(InstallAttempt)
        .where(
            InstallAttempt.platform == SHOPIFY,
            InstallAttempt.state_hash == _digest(state),
            InstallAttempt.browser_hash == _digest(browser),
            InstallAttempt.shop == shop,
            InstallAttempt.used_at.is_(None),
            InstallAttempt.expires_at > moment,
        )
        .values(used_at=moment)
        .returning(InstallAttempt.id)
    )
    attempt_id = session.execute(statement).scalar_one_or_none()
    return Claimed(attempt_id, shop) if attempt_id is not None else None


def keep_keys(session: Session, vault: Vault, *, state: str, key: str, secret: str) -> bool:
    """Keep the keys that a store handed over for a state, sealed and unproven; False if it is not waited for.

    Only the first hand-over counts: whoever reads the state in a log later cannot put other keys there.
    """
    statement = (
        update(InstallAttempt)
        .where(
            InstallAttempt.platform == WOOCOMMERCE,
            InstallAttempt.state_hash == _digest(state),
            InstallAttempt.sealed_keys.is_(None),
            InstallAttempt.used_at.is_(None),
            InstallAttempt.expires_at > wall_now(session),
        )
        .values(sealed_keys=vault.seal({"key": key, "secret": secret}))
        .returning(InstallAttempt.id)
    )
    return session.execute(statement).scalar_one_or_none() is not None


def claim_woocommerce(session: Session, vault: Vault, *, state: str, browser: str) -> Claimed | None:
    """Take the keys that came for a state; None as for Shopify, or while no keys came."""
    moment = wall_now(session)
    statement = (
        update(InstallAttempt)
        .where(
            InstallAttempt.platform == WOOCOMMERCE,
            InstallAttempt.state_hash == _digest(state),
            InstallAttempt.browser_hash == _digest(browser),
            InstallAttempt.sealed_keys.is_not(None),
            InstallAttempt.used_at.is_(None),
            InstallAttempt.expires_at > moment,
        )
        .values(used_at=moment)
        .returning(InstallAttempt.id, InstallAttempt.shop, InstallAttempt.sealed_keys)
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        return None
    return Claimed(row.id, row.shop, vault.open(str(row.sealed_keys)))


def claim_arrival(session: Session, shop: str) -> int | None:
    """The right to connect a Shopify shop at its first visit; None while another process has it.

    Two exchanges at once would each get tokens, and Shopify keeps only one pair of a shop alive.
    """
    moment = wall_now(session)
    session.execute(delete(InstallAttempt).where(InstallAttempt.expires_at <= moment))
    claim = {
        "state_hash": _digest(f"arrival of {shop}"),
        "platform": SHOPIFY,
        "shop": shop,
        # No browser brings it back.
        "browser_hash": "",
        "sealed_keys": None,
        "created_at": moment,
        "expires_at": moment + _ARRIVAL_LASTS,
        "used_at": None,
    }
    made = insert_new(session, ATTEMPTS, [claim], ATTEMPTS.c.id)
    return made[0].id if made else None


def give_back(session: Session, attempt_id: int) -> None:
    """Let the same browser try again with the same keys: the store did not answer this time.

    Every approval leaves a key in the store, so the merchant is not sent to make another one.
    """
    session.execute(update(InstallAttempt).where(InstallAttempt.id == attempt_id).values(used_at=None))


def forget(session: Session, attempt_id: int) -> None:
    """Drop a handshake that is over, with its keys."""
    session.execute(delete(InstallAttempt).where(InstallAttempt.id == attempt_id))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
