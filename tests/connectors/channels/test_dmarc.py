"""The DMARC record of a domain, asked of a name server on this machine."""

import pytest

from connectors.base import ConnectorError
from connectors.channels import dmarc
from tests import dns_server

SERVFAIL = 2
RECORDS = {
    "_dmarc.reject.example": ["v=DMARC1; p=reject"],
    "_dmarc.none.example": ["v=DMARC1;p=None; rua=mailto:a@none.example"],
    "_dmarc.parent.example": ["v=DMARC1; p=quarantine"],
    "_dmarc.strict.example": ["v=DMARC1; p=none; sp=reject"],
    "_dmarc.odd.example": ["v=DMARC1; p=perhaps"],
    "_dmarc.empty.example": ["v=DMARC1"],
    "_dmarc.two.example": ["v=DMARC1; p=reject", "v=DMARC1; p=none"],
    "_dmarc.beside.example": ["v=spf1 -all", "v=DMARC1; p=quarantine"],
    "_dmarc.other.example": ["hello"],
    "_dmarc.blank.example": [],
    "_dmarc.long.example": [f"v=DMARC1; rua=mailto:{'a' * 300}@long.example; p=reject"],
}


@pytest.mark.parametrize(
    ("domain", "policy"),
    [
        ("reject.example", "reject"),
        ("REJECT.example.", "reject"),
        ("none.example", "none"),
        ("news.shop.parent.example", "quarantine"),
        ("strict.example", "none"),
        ("news.strict.example", "reject"),
        ("odd.example", dmarc.UNREADABLE),
        ("empty.example", dmarc.UNREADABLE),
        ("two.example", dmarc.MISSING),
        ("beside.example", "quarantine"),
        ("other.example", dmarc.MISSING),
        ("blank.example", dmarc.MISSING),
        ("long.example", "reject"),
        ("nothing.example", dmarc.MISSING),
    ],
)
def test_what_a_domain_says_of_mails_that_pretend_to_be_its_own(domain: str, policy: str) -> None:
    with dns_server.serving(RECORDS) as server:
        assert dmarc.policy(domain, server) == policy


def test_a_name_server_that_fails_is_no_word_on_the_domain() -> None:
    with dns_server.serving({}, rcode=SERVFAIL) as server, pytest.raises(ConnectorError):
        dmarc.policy("reject.example", server)


def test_an_address_that_is_none_is_no_word_on_the_domain() -> None:
    with pytest.raises(ConnectorError):
        dmarc.policy("reject.example", "nowhere:port")
