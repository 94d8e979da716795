"""What is wrong with an address: the short way says nothing that the package would not say."""

import pytest
from email_validator import EmailNotValidError, validate_email

from app.messaging import addresses

ADDRESSES = [
    "anna@example.com",
    "Anna.Rossi+x_1-2@posta.example.co.uk",
    "a@b-c.it",
    "a..b@example.com",
    ".a@example.com",
    "a.@example.com",
    "a@-b.it",
    "a@b-.it",
    "a@b..it",
    "a@localhost",
    "a@b.local",
    "a@b.test",
    "a@b.invalid",
    "a@xn--.it",
    "a@xn--bcher-kva.example",
    "a@b.c",
    "a@1.2.3.4",
    "a@b",
    "a b@example.com",
    "a@example.com\n",
    "à@example.com",
    "a@è.it",
    '"a"@example.com',
    "a@b@example.com",
    f"{'a' * 64}@example.com",
    f"{'a' * 65}@example.com",
    f"a@{'b' * 63}.it",
    f"a@{'b' * 64}.it",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_short_way_finds_nothing_right_that_the_package_finds_wrong(address: str) -> None:
    try:
        validate_email(address, check_deliverability=False)
        is_right = True
    except EmailNotValidError:
        is_right = False

    assert (addresses.problem("email", address) is None) == is_right
