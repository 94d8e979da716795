"""What a storefront tells of a checkout that was begun and not finished."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CheckoutLineRecord:
    """One thing in the basket; `total` is decimal text in the checkout's currency."""

    product_external_id: str | None
    variant_external_id: str | None
    title: str
    quantity: int
    total: str


@dataclass(frozen=True, slots=True)
class CheckoutRecord:
    """A checkout as the payload shows it now; one without any address is not told.

    Attributes:
        token: what the order that completes it carries as its `checkout_token`.
        total: decimal text in `currency`.
        customer_external_id: the account, where the platform knows whose checkout it is.
        email: as typed into the checkout, in lower case; it may differ from the account's.
        recovery_url: restores the basket for whoever opens it; None where the platform has no such link.
        accepts_email, accepts_sms: the boxes as they stand there. The checkout was not submitted, so they are
            no statement; None where the platform does not show them.
    """

    external_id: str
    token: str | None
    started_at: datetime
    updated_at: datetime
    currency: str
    total: str
    lines: tuple[CheckoutLineRecord, ...]
    customer_external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    locale: str | None = None
    recovery_url: str | None = None
    completed_at: datetime | None = None
    accepts_email: bool | None = None
    accepts_sms: bool | None = None
