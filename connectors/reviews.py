"""What a storefront tells of a review."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """What somebody wrote of a product.

    Attributes:
        email: the writer's, as they gave it, in lower case; None where there is none.
        rating: 1 to 5; 0 without stars.
        text: plain text.
        status: approved, held, spam, trash or the platform's own word.
        is_verified: the platform knows that the writer bought it.
    """

    external_id: str
    product_external_id: str
    email: str | None
    rating: int
    text: str
    status: str
    is_verified: bool
    written_at: datetime
