"""The holdout arm: who stays out of a flow, so that its effect can be told from chance."""

import hashlib
from functools import lru_cache


def is_held_out(*, domain: str, flow: str, person: str, percent: int) -> bool:
    """Whether a person is held out of a flow; fixed for ever by hash.

    Args:
        domain: the store's, lower case.
        person: the customer's external id, for guests the normalised e-mail.
        percent: 0 to 100.

    Source: PRODUCT.md section 2, holdout arm.
    """
    return number_of(domain=domain, flow=flow, person=person) < percent


@lru_cache(maxsize=1024)
def number_of(*, domain: str, flow: str, person: str) -> int:
    """The person's number in a flow, 0 to 99: held out where it is below the percentage."""
    digest = hashlib.sha256(f"{domain.lower()}:{flow}:{person}".encode()).hexdigest()
    return int(digest, 16) % 100
