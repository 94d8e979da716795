"""Shopify's tokens: one renewal per shop at a time, over all threads and processes.

A renewal is claimed by a lease among the sealed credentials, under the row's lock; the call itself
runs outside any transaction; the new pair is saved in one write, only by who still holds the lease.
A process that dies between the answer and the save loses nothing: until the new pair is first used
Shopify takes the old refresh token once more (changelog of 2026-08-28, more resilient refreshes).
"""

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.db import lease_now, table_of, wall_now
from app.models import Store
from app.runtime import Runtime
from app.stores import credentials, rows
from app.stores.credentials import Credentials
from app.stores.platforms import CONNECTED, NEEDS_RECONNECT, UNINSTALLED
from connectors.base import ConnectorError, Unauthorized
from connectors.storefronts.shopify import grants, own_app
from connectors.storefronts.shopify.auth import AppCredentials
from connectors.storefronts.shopify.grants import TokenSet
from connectors.transport import StoreTransport

RENEW_BEFORE = timedelta(minutes=5)
LEASE = timedelta(seconds=90)
"""Longer than the transport lets a call take."""


def fresh_shopify_token(runtime: Runtime, store_id: int) -> str:
    """An access token that is good for some minutes yet, renewed if need be.

    Raises:
        Unauthorized: the shop must be reconnected; its state says so from now on.
        ConnectorError: the renewal did not succeed now, or another process is at it; try again later.
    """
    with runtime.database.read() as session:
        sealed = session.execute(_SEALED, {"store": store_id}).scalar_one_or_none()
        if sealed is None:
            raise Unauthorized("there is no such store", status=None)
        token = _good_token(credentials.unseal_access(runtime.vault, sealed), wall_now(session))
    if token is not None:
        return token
    # Threads of one process wait here for the one that asks; other processes meet the lease.
    with _LOCKS[store_id % len(_LOCKS)]:
        claim = _claim(runtime, store_id)
        if isinstance(claim, str):
            return claim
        return _renew(runtime, claim)


def app_credentials(runtime: Runtime) -> AppCredentials:
    """Who the operator's app is to Shopify.

    Raises:
        ConnectorError: permanent; the operator has not named it.
    """
    settings = runtime.settings
    if not settings.shopify_client_id or not settings.shopify_client_secret:
        raise ConnectorError("SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET are not set", permanent=True)
    return AppCredentials(settings.shopify_client_id, settings.shopify_client_secret)


def access_of(tokens: TokenSet) -> dict[str, Any]:
    """A token pair as it is kept among the credentials."""
    return {
        "access_token": tokens.access_token,
        "expires_at": tokens.expires_at.timestamp(),
        "refresh_token": tokens.refresh_token,
        "refresh_expires_at": tokens.refresh_expires_at.timestamp(),
    }


def access_of_own_app(token: own_app.OwnAppToken) -> dict[str, Any]:
    """The token of a merchant's own app as it is kept among the credentials."""
    return {"access_token": token.access_token, "expires_at": token.expires_at.timestamp()}


@dataclass(frozen=True, slots=True)
class _Claim:
    """A renewal that is ours until its lease ends."""

    store_id: int
    shop: str
    secrets: Credentials
    lease: str
    now: datetime


_LOCKS = tuple(threading.Lock() for _ in range(64))
_STILL_USABLE = timedelta(seconds=30)
_STORES = table_of(Store)
_SEALED = select(_STORES.c.credentials).where(_STORES.c.id == bindparam("store"))


def _store(session: Session, store_id: int) -> Store:
    store = rows.find(session, store_id)
    if store is None:
        raise Unauthorized("there is no such store", status=None)
    return store


def _good_token(access: Mapping[str, Any], now: datetime, *, margin: timedelta = RENEW_BEFORE) -> str | None:
    """The stored token if it is good for longer than that; without an end only if it is said to last."""
    token = access.get("access_token")
    if not token:
        return None
    if access.get("is_lasting"):
        return str(token)
    ends_at = datetime.fromtimestamp(float(access.get("expires_at", 0)), UTC)
    return str(token) if ends_at - now > margin else None


def _claim(runtime: Runtime, store_id: int) -> _Claim | str:
    """The right to renew, or the token that somebody else renewed or that will do meanwhile."""
    with runtime.database.write() as session:
        store = _store(session, store_id)
        credentials.lock(session, store)
        if store.state == UNINSTALLED:
            raise Unauthorized("the shop removed the app", status=None)
        now, moment = wall_now(session), lease_now(session).timestamp()
        secrets = credentials.unseal(runtime.vault, store.credentials)
        held = secrets.access.get("lease", {})
        # Who says that it holds for longer than a lease lasts speaks of another clock than that of today.
        is_leased = 0 < float(held.get("until", 0)) - moment <= LEASE.total_seconds()
        token = _good_token(secrets.access, now, margin=_STILL_USABLE if is_leased else RENEW_BEFORE)
        if token is not None:
            return token
        if is_leased:
            raise ConnectorError("the shop's token is being renewed", retry_after_seconds=5)
        claim = _Claim(store_id, store.domain, secrets, str(uuid.uuid4()), now)
        lease = {"token": claim.lease, "until": moment + LEASE.total_seconds()}
        store.credentials = credentials.seal(
            runtime.vault, replace(secrets, access={**secrets.access, "lease": lease})
        )
    return claim


def _renew(runtime: Runtime, claim: _Claim) -> str:
    try:
        renewed = _ask(runtime, claim)
    except Unauthorized:
        _save(runtime, claim, claim.secrets.access, state=NEEDS_RECONNECT)
        raise
    except ConnectorError:
        _save(runtime, claim, claim.secrets.access)
        usable = _good_token(claim.secrets.access, claim.now, margin=_STILL_USABLE)
        if usable is None:
            raise
        return usable
    saved = _save(runtime, claim, renewed.access, state=CONNECTED, scopes=renewed.scopes)
    token = _good_token(saved.access, claim.now, margin=timedelta(0))
    if token is None:
        raise ConnectorError("the shop's credentials changed meanwhile")
    return token


@dataclass(frozen=True, slots=True)
class _Renewed:
    """What a renewal brought, and what Shopify says is granted now."""

    access: dict[str, Any]
    scopes: tuple[str, ...]


def _ask(runtime: Runtime, claim: _Claim) -> _Renewed:
    """The call, outside any transaction."""
    transport = StoreTransport(allow_private=runtime.settings.allow_private_stores)
    try:
        if "client_id" in claim.secrets.kept:
            return _mint(runtime, claim, transport)
        if not claim.secrets.access.get("refresh_token") and claim.secrets.access.get("access_token"):
            return _migrate(runtime, claim, transport)
        return _refresh(runtime, claim, transport)
    finally:
        transport.close()


def _mint(runtime: Runtime, claim: _Claim, transport: StoreTransport) -> _Renewed:
    kept = claim.secrets.kept
    token = own_app.mint_token(
        transport,
        admin_url=runtime.settings.shopify_admin_url,
        shop=claim.shop,
        app=AppCredentials(kept["client_id"], kept["client_secret"]),
        now=claim.now,
    )
    return _Renewed(access_of_own_app(token), token.scopes)


def _migrate(runtime: Runtime, claim: _Claim, transport: StoreTransport) -> _Renewed:
    """A token of before that has no end, traded for a pair."""
    pair = grants.migrate(
        transport,
        admin_url=runtime.settings.shopify_admin_url,
        shop=claim.shop,
        app=app_credentials(runtime),
        access_token=str(claim.secrets.access["access_token"]),
        now=claim.now,
    )
    return _Renewed(access_of(pair), pair.scopes)


def _refresh(runtime: Runtime, claim: _Claim, transport: StoreTransport) -> _Renewed:
    """The new pair, with the refresh token that brought it: it is good until the pair is used."""
    known = (claim.secrets.access.get(name) for name in ("refresh_token", "previous_refresh_token"))
    refusal = Unauthorized("the shop has no refresh token", status=None)
    for refresh_token in [token for token in known if token]:
        try:
            tokens = grants.refresh(
                transport,
                admin_url=runtime.settings.shopify_admin_url,
                shop=claim.shop,
                app=app_credentials(runtime),
                refresh_token=refresh_token,
                now=claim.now,
            )
        except Unauthorized as error:
            refusal = error
            continue
        return _Renewed({**access_of(tokens), "previous_refresh_token": refresh_token}, tokens.scopes)
    raise refusal


def _save(
    runtime: Runtime,
    claim: _Claim,
    access: Mapping[str, Any],
    *,
    state: str | None = None,
    scopes: tuple[str, ...] = (),
) -> Credentials:
    """Put the outcome in and the lease out, if the lease is still ours; what is stored then.

    Whoever lost the lease lost it to a later renewal, a new install or an uninstall: theirs counts.
    """
    with runtime.database.write() as session:
        store = _store(session, claim.store_id)
        credentials.lock(session, store)
        secrets = credentials.unseal(runtime.vault, store.credentials)
        if secrets.access.get("lease", {}).get("token") == claim.lease:
            secrets = replace(secrets, access={name: access[name] for name in access if name != "lease"})
            store.credentials = credentials.seal(runtime.vault, secrets)
            store.state = state or store.state
            store.scopes = list(scopes) or store.scopes
    return secrets
