"""What a storefront passes on under privacy law."""

from dataclasses import dataclass
from enum import StrEnum


class PrivacyKind(StrEnum):
    """The three compliance requests."""

    ACCESS = "access"
    ERASE_CUSTOMER = "erase-customer"
    ERASE_SHOP = "erase-shop"


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """A request under privacy law, passed on by the platform."""

    kind: PrivacyKind
    customer_external_id: str | None
    email: str | None
    order_external_ids: tuple[str, ...] = ()
