"""The writing side of a connected WooCommerce store, as `StoreWriter` of connectors.writing."""

from collections.abc import Iterator, Sequence

from connectors.base import ConnectorError
from connectors.storefronts.woocommerce.api import WooSettings
from connectors.storefronts.woocommerce.calls import Calls, Refused, reading_answer
from connectors.storefronts.woocommerce.payload import identifier, text
from connectors.storefronts.woocommerce.vouchers import CODE_EXISTS, coupon, coupon_code
from connectors.transport import StoreTransport
from connectors.writing import (
    ConsentChange,
    FlowActivity,
    FlowEngagement,
    NotSupported,
    TagChange,
    VoucherResult,
    VoucherSpec,
)


class WooWriter:
    """One store through its REST API v3. Nothing is tried twice here."""

    def __init__(self, settings: WooSettings, transport: StoreTransport) -> None:
        self._settings = settings
        self._calls = Calls(settings.keys, transport)

    def write_consent(self, change: ConsentChange) -> None:
        """WooCommerce has no consent of its own, and a checkout's field is its plugin's: nothing is asked.

        Raises:
            NotSupported: always.
        """
        raise NotSupported(f"WooCommerce keeps no consent to {change.channel}")

    def write_tags(self, change: TagChange) -> None:
        """WooCommerce has no tags of customers: nothing is asked.

        Raises:
            NotSupported: always.
        """
        raise NotSupported(f"WooCommerce has no tags for customer {change.customer_external_id}")

    def mint_vouchers(self, specs: Sequence[VoucherSpec]) -> Iterator[VoucherResult]:
        """Make a coupon for each code: WooCommerce has one code a coupon."""
        for spec in specs:
            try:
                yield VoucherResult(spec.code, external_id=self._mint(spec))
            except ConnectorError as error:
                yield VoucherResult(spec.code, error=error)
                if not error.permanent:
                    return

    def report_activity(self, activity: FlowActivity) -> None:
        """WooCommerce keeps no marketing activities: nothing is asked.

        Raises:
            NotSupported: always.
        """
        raise NotSupported(f"WooCommerce has no marketing reports for {activity.name}")

    def report_engagement(self, activity: FlowActivity, engagement: FlowEngagement) -> None:
        """WooCommerce keeps no marketing activities: nothing is asked.

        Raises:
            NotSupported: always.
        """
        raise NotSupported(f"WooCommerce has no marketing reports for {activity.name} on {engagement.day}")

    def _mint(self, spec: VoucherSpec) -> str:
        """The coupon's id; of one that is there already, too."""
        body = coupon(spec, timezone=self._settings.timezone, currency=self._settings.mapping.currency)
        try:
            with reading_answer():
                return identifier(self._calls.post("coupons", body).one(), "id")
        except Refused as error:
            existing = self._find(spec.code) if error.code == CODE_EXISTS else None
            if existing is None:
                raise
            return existing

    def _find(self, code: str) -> str | None:
        """The id of the coupon with this code in any letter case, or None."""
        wanted = coupon_code(code)
        with reading_answer():
            rows = self._calls.get("coupons", {"code": wanted}).many()
            return next((identifier(row, "id") for row in rows if text(row, "code").lower() == wanted), None)
