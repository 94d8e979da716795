"""The writing side of a connected WooCommerce store, as `StoreWriter` of connectors.writing."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from connectors.base import ConnectorError, JsonObject
from connectors.storefronts.woocommerce.api import WooSettings
from connectors.storefronts.woocommerce.calls import Calls, item_refusal, reading_answer
from connectors.storefronts.woocommerce.payload import entries, identifier, text
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

MOST_COUPONS = 100
"""What one call takes. Source: facts of two measured stores, section 4 (batch endpoints)."""


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
        """Make a coupon for each code, up to a hundred a call: WooCommerce has one code a coupon."""
        bodies: dict[str, JsonObject] = {}
        for spec in specs:
            try:
                bodies[spec.code] = self._coupon(spec)
            except ConnectorError as error:
                yield VoucherResult(spec.code, error=error)
        for codes in _batched(bodies, MOST_COUPONS):
            try:
                yield from self._mint({code: bodies[code] for code in codes})
            except ConnectorError:
                if not (yield from self._mint_singly({code: bodies[code] for code in codes})):
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

    def _coupon(self, spec: VoucherSpec) -> JsonObject:
        return coupon(spec, timezone=self._settings.timezone, currency=self._settings.mapping.currency)

    def _mint(self, bodies: Mapping[str, JsonObject]) -> list[VoucherResult]:
        """What became of each code; the answer has an item for each, in the order of the question.

        Raises:
            ConnectorError: nothing is known of any of them.
        """
        with reading_answer():
            answer = self._calls.post("coupons/batch", {"create": list(bodies.values())}).one()
            made = entries(answer, "create")
        if len(made) != len(bodies):
            raise ConnectorError("the store did not answer for every coupon")
        return [self._result(code, item) for code, item in zip(bodies, made, strict=True)]

    def _mint_singly(self, bodies: Mapping[str, JsonObject]) -> Generator[VoucherResult, None, bool]:
        """After a batch that failed: one that brings the store down stops itself alone, for it comes first.

        Returns:
            whether the store answers, so that it is worth asking for more.
        """
        for code, body in bodies.items():
            try:
                yield from self._mint({code: body})
            except ConnectorError as error:
                yield VoucherResult(code, error=error)
                if not error.permanent:
                    return False
        return True

    def _result(self, code: str, item: JsonObject) -> VoucherResult:
        """A code that is there was made by us, perhaps by a call whose answer was lost: nobody guesses it."""
        error = item_refusal(item)
        if error is None:
            with reading_answer():
                return VoucherResult(code, external_id=identifier(item, "id"))
        existing = self._find(code) if error.code == CODE_EXISTS else None
        return VoucherResult(code, external_id=existing, error=None if existing else error)

    def _find(self, code: str) -> str | None:
        """The id of the coupon with this code in any letter case, or None."""
        wanted = coupon_code(code)
        with reading_answer():
            rows = self._calls.get("coupons", {"code": wanted}).many()
            return next((identifier(row, "id") for row in rows if text(row, "code").lower() == wanted), None)


def _batched(codes: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    """The codes, so many at a time (itertools has it from Python 3.12 on)."""
    left = iter(codes)
    while some := tuple(islice(left, size)):
        yield some
