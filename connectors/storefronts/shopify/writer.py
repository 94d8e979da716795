"""The writing side of a connected Shopify shop, as `StoreWriter` of connectors.writing."""

from collections.abc import Iterator, Sequence

from connectors.storefronts.shopify import consents, marketing, tags, vouchers
from connectors.storefronts.shopify.admin import Admin
from connectors.storefronts.shopify.answers import readable
from connectors.storefronts.shopify.auth import admin_base
from connectors.transport import StoreTransport
from connectors.writing import (
    ConsentChange,
    FlowActivity,
    FlowEngagement,
    TagChange,
    VoucherResult,
    VoucherSpec,
)


class ShopifyWriter:
    """One shop through its Admin GraphQL API. Nothing is retried inside.

    Args:
        admin_url: `https://{shop}`, or an emulator's address with the same placeholder.
        shop: the shop's own domain.
        access_token: a valid offline token.
        transport: how to reach it.
    """

    def __init__(self, admin_url: str, shop: str, access_token: str, transport: StoreTransport) -> None:
        self._admin = Admin(admin_base(admin_url, shop), access_token, transport)

    def write_consent(self, change: ConsentChange) -> None:
        """Set a customer's marketing consent as of the moment at which they spoke."""
        with readable():
            consents.write(self._admin, change)

    def write_tags(self, change: TagChange) -> None:
        """Change some of a customer's tags."""
        with readable():
            tags.write(self._admin, change)

    def mint_vouchers(self, specs: Sequence[VoucherSpec]) -> Iterator[VoucherResult]:
        """Make the codes, those of one pool as codes of one discount."""
        return vouchers.mint(self._admin, specs)

    def report_activity(self, activity: FlowActivity) -> None:
        """Make or update the external marketing activity of a flow."""
        with readable():
            marketing.report(self._admin, activity)

    def report_engagement(self, activity: FlowActivity, engagement: FlowEngagement) -> None:
        """Add a day's figures to the activity of a flow."""
        with readable():
            marketing.report_day(self._admin, activity, engagement)
