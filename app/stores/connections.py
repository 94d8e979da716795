"""The way out to a store's storefront, with the credentials that hold now."""

from app.models import Store
from app.runtime import Runtime
from app.stores import credentials, settings
from app.stores.platforms import SHOPIFY, UNINSTALLED, WOOCOMMERCE
from app.stores.tokens import fresh_shopify_token
from connectors.base import Storefront, Unauthorized
from connectors.present import Sweepable
from connectors.registry import STOREFRONTS, SWEEPABLE, WRITERS, StoreAccess
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.transport import StoreTransport
from connectors.writing import StoreWriter


def storefront(runtime: Runtime, store: Store, over: StoreTransport | None = None) -> Storefront:
    """Open a store for the calls of one thread; never inside a transaction.

    A Shopify token is renewed first where it ends within minutes, so hold the result no longer than one
    batch of calls.

    Args:
        over: the way there, where the same thread has one.

    Raises:
        Unauthorized: the store must be reconnected, or removed the app.
        ConnectorError: the token could not be renewed now.
    """
    return STOREFRONTS[store.platform](_access(runtime, store), over or transport(runtime))


def writer(runtime: Runtime, store: Store) -> StoreWriter:
    """Open a store to write into it, as `storefront` opens it to be read; never inside a transaction.

    Raises:
        Unauthorized: the store must be reconnected, or removed the app.
        ConnectorError: the token could not be renewed now.
    """
    return WRITERS[store.platform](_access(runtime, store), transport(runtime))


def sweepable(runtime: Runtime, store: Store, over: StoreTransport | None = None) -> Sweepable:
    """Open a store that deletes without a word, to be asked what it still has; never inside a transaction.

    Args:
        over: the way there, where the same thread has one.

    Raises:
        Unauthorized: the store must be reconnected, or removed the app.
        KeyError: its platform tells of every deletion, see `is_sweepable`.
    """
    return SWEEPABLE[store.platform](_access(runtime, store), over or transport(runtime))


def is_sweepable(store: Store) -> bool:
    """Whether the store deletes without a word."""
    return store.platform in SWEEPABLE


def transport(runtime: Runtime) -> StoreTransport:
    """A guarded way to storefronts, for one thread."""
    return StoreTransport(allow_private=runtime.settings.allow_private_stores)


def meta_mapping(store: Store) -> MetaMapping:
    """How the store's payloads are to be read, as the merchant set it."""
    return MetaMapping(
        email_consent_key=settings.read(store, "meta.email_consent"),
        email_consent_yes=settings.words(store, "meta.email_consent_yes"),
        sms_consent_key=settings.read(store, "meta.sms_consent"),
        sms_consent_yes=settings.words(store, "meta.sms_consent_yes"),
        tracking_consent_key=settings.read(store, "meta.tracking_consent"),
        tracking_consent_yes=settings.words(store, "meta.tracking_consent_yes"),
        birthday_key=settings.read(store, "meta.birthday"),
        birthday_format=settings.read(store, "meta.birthday_format"),
        paid_statuses=settings.words(store, "meta.paid_statuses"),
        delivered_statuses=settings.words(store, "meta.delivered_statuses"),
        delivered_key=settings.read(store, "meta.delivered_key"),
        delivered_values=settings.words(store, "meta.delivered_values"),
        currency=store.currency,
    )


def webhook_url(runtime: Runtime, store: Store) -> str:
    """Where the platform delivers this store's webhooks."""
    if store.platform == SHOPIFY:
        return f"{runtime.settings.base_url}/webhooks/shopify"
    return f"{_woocommerce_prefix(runtime, store)}/{store.webhook_path}"


def _access(runtime: Runtime, store: Store) -> StoreAccess:
    if store.state == UNINSTALLED:
        raise Unauthorized("the shop removed the app", status=None)
    return _ACCESS[store.platform](runtime, store)


def _woocommerce_prefix(runtime: Runtime, store: Store) -> str:
    return f"{runtime.settings.base_url}/webhooks/woocommerce/{store.id}"


def _shopify_access(runtime: Runtime, store: Store) -> StoreAccess:
    return StoreAccess(
        url=runtime.settings.shopify_admin_url,
        domain=store.domain,
        access={"access_token": fresh_shopify_token(runtime, store.id)},
    )


def _woocommerce_access(runtime: Runtime, store: Store) -> StoreAccess:
    access = credentials.unseal_access(runtime.vault, store.credentials)
    if not access:
        raise Unauthorized("the store has no key", status=None)
    return StoreAccess(
        url=store.url,
        domain=store.domain,
        access=access,
        mapping=meta_mapping(store),
        timezone=store.timezone,
        hook_prefix=_woocommerce_prefix(runtime, store),
        hook_ids=frozenset(one["external_id"] for one in store.subscriptions),
    )


_ACCESS = {SHOPIFY: _shopify_access, WOOCOMMERCE: _woocommerce_access}
