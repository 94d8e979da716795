"""Proving credentials against the shop they are said to be of; network calls, never inside a transaction."""

from datetime import datetime

from app.runtime import Runtime
from app.stores import tokens
from app.stores.connections import transport
from app.stores.install import Arrival
from app.stores.platforms import SHOPIFY, WOOCOMMERCE
from connectors.base import ConnectorError, StoreIdentity
from connectors.registry import STOREFRONTS, StoreAccess
from connectors.storefronts.shopify import auth, grants, own_app
from connectors.storefronts.shopify.auth import AppCredentials
from connectors.storefronts.shopify.grants import TokenSet
from connectors.storefronts.woocommerce.identity import read_index
from connectors.storefronts.woocommerce.probe import probe


def shopify_by_code(runtime: Runtime, shop: str, code: str, now: datetime) -> Arrival:
    """Trade the code of a verified callback for tokens and ask the shop who it is.

    Args:
        now: by the database's clock.

    Raises:
        Unauthorized: Shopify refused the code or the app.
        ConnectorError: no answer, or the token is another shop's.
    """
    pair = grants.exchange_code(
        transport(runtime),
        admin_url=runtime.settings.shopify_admin_url,
        shop=shop,
        app=tokens.app_credentials(runtime),
        code=code,
        now=now,
    )
    return _shopify_by_pair(runtime, shop, pair)


def shopify_by_session(runtime: Runtime, shop: str, session_token: str, now: datetime) -> Arrival:
    """Trade the verified session token of an embedded screen for tokens and ask the shop who it is.

    Args:
        shop: the one that the token names.
        now: by the database's clock.

    Raises:
        Unauthorized: Shopify refused the session token or the app.
        ConnectorError: no answer, or the token is another shop's.
    """
    pair = grants.exchange_session(
        transport(runtime),
        admin_url=runtime.settings.shopify_admin_url,
        shop=shop,
        app=tokens.app_credentials(runtime),
        session_token=session_token,
        now=now,
    )
    return _shopify_by_pair(runtime, shop, pair)


def shopify_by_token(runtime: Runtime, shop: str, access_token: str, now: datetime) -> Arrival:
    """Try the lasting token of a merchant's own app; one of the operator's app, from before, is migrated.

    Args:
        now: by the database's clock.

    Raises:
        Unauthorized: the shop does not accept it.
        ConnectorError: no answer, or the token is another shop's.
    """
    identity = _shopify_identity(runtime, shop, access_token)
    if identity.app_id and identity.app_id == runtime.settings.shopify_client_id:
        return _shopify_by_pair(runtime, shop, _migrated(runtime, shop, access_token, now))
    return Arrival(
        platform=SHOPIFY,
        url=auth.admin_base(runtime.settings.shopify_admin_url, shop),
        identity=identity,
        access={"access_token": access_token, "is_lasting": True},
        scopes=identity.scopes,
    )


def shopify_by_own_app(runtime: Runtime, shop: str, app: AppCredentials, now: datetime) -> Arrival:
    """Get a token for a merchant's own app and ask the shop who it is.

    Raises:
        Unauthorized: wrong id or secret, or the app is not installed in that shop.
        ConnectorError: no answer, or the token is another shop's.
    """
    admin_url = runtime.settings.shopify_admin_url
    token = own_app.mint_token(transport(runtime), admin_url=admin_url, shop=shop, app=app, now=now)
    return Arrival(
        platform=SHOPIFY,
        url=auth.admin_base(admin_url, shop),
        identity=_shopify_identity(runtime, shop, token.access_token),
        access=tokens.access_of_own_app(token),
        own_app={"client_id": app.client_id, "client_secret": app.client_secret},
        scopes=token.scopes,
    )


def look_at_woocommerce(runtime: Runtime, url: str) -> None:
    """Look whether a shop can be connected at all, before its merchant is sent to a page that may not exist.

    Args:
        url: as `normalise_store_url` gives it.

    Raises:
        ConnectorError: permanent; its text tells the merchant what to mend. What may pass is passed over.
    """
    try:
        read_index(transport(runtime), url)
    except ConnectorError as error:
        if error.permanent:
            raise


def woocommerce(runtime: Runtime, url: str, *, key: str, secret: str, now: datetime) -> Arrival:
    """Try a key against the store that it was asked for.

    Args:
        url: as `normalise_store_url` gives it.
        now: by the database's clock.

    Raises:
        ConnectorError: its text tells the merchant what to mend; `permanent` unless it may pass.
    """
    found = probe(url, key, secret, transport=transport(runtime), now=now)
    return Arrival(
        platform=WOOCOMMERCE,
        url=url,
        identity=found.identity,
        access={
            "key": key,
            "secret": secret,
            "mode": found.auth_mode.value,
            "signing_url": found.home_url,
        },
        scopes=found.identity.scopes,
    )


def _migrated(runtime: Runtime, shop: str, access_token: str, now: datetime) -> TokenSet:
    return grants.migrate(
        transport(runtime),
        admin_url=runtime.settings.shopify_admin_url,
        shop=shop,
        app=tokens.app_credentials(runtime),
        access_token=access_token,
        now=now,
    )


def _shopify_by_pair(runtime: Runtime, shop: str, pair: TokenSet) -> Arrival:
    return Arrival(
        platform=SHOPIFY,
        url=auth.admin_base(runtime.settings.shopify_admin_url, shop),
        identity=_shopify_identity(runtime, shop, pair.access_token),
        access=tokens.access_of(pair),
        scopes=pair.scopes,
    )


def _shopify_identity(runtime: Runtime, shop: str, access_token: str) -> StoreIdentity:
    access = StoreAccess(runtime.settings.shopify_admin_url, shop, {"access_token": access_token})
    identity = STOREFRONTS[SHOPIFY](access, transport(runtime)).identity()
    if identity.domain.lower() != shop:
        raise ConnectorError("the token belongs to another shop", permanent=True)
    return identity
