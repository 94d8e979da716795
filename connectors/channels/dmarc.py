"""What a domain's DNS says of mails that only pretend to come from it (DMARC), looked up live.

Source: RFC 7489, 6.3 and 6.6.3 (the record, its tags, several records); the walk up to the parent domains is
that of its successor (DMARCbis), so that no list of public suffixes is needed.
"""

from collections.abc import Iterator

from connectors.base import ConnectorError

MISSING, UNREADABLE = "missing", "unreadable"
POLICIES = ("none", "quarantine", "reject")
OFF = "off"
SECONDS = 5.0
"""How long all questions about one domain may take."""


def policy(domain: str, server: str = "") -> str:
    """One of POLICIES; MISSING without any record, UNREADABLE where it has no policy that exists.

    Args:
        domain: of the sender, in its ASCII form.
        server: `address` or `address:port` to ask; the system's own resolvers if empty; OFF for nobody.

    Raises:
        ConnectorError: nobody answers.
    """
    if server == OFF:
        raise ConnectorError("DNS is not asked")
    for name in _names(domain):
        records = [text for text in _texts(f"_dmarc.{name}", server) if _tags(text).get("v") == "DMARC1"]
        # Several records are as good as none.
        if len(records) == 1:
            tags = _tags(records[0])
            said = (tags.get("sp") if name != domain else None) or tags.get("p", "")
            return said.lower() if said.lower() in POLICIES else UNREADABLE
    return MISSING


def _names(domain: str) -> Iterator[str]:
    """The domain and its parents, down to two labels."""
    labels = domain.lower().rstrip(".").split(".")
    for start in range(max(1, len(labels) - 1)):
        yield ".".join(labels[start:])


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}


def _texts(name: str, server: str) -> list[str]:
    """The TXT records of a name; none where it does not exist."""
    from dns import exception, resolver

    try:
        asked = resolver.Resolver(configure=not server)
        if server:
            address, _, port = server.partition(":")
            asked.nameservers, asked.port = [address], int(port or 53)
        answer = asked.resolve(name, "TXT", search=False, lifetime=SECONDS)
    except (resolver.NXDOMAIN, resolver.NoAnswer):
        return []
    except (exception.DNSException, OSError, ValueError) as error:
        raise ConnectorError(f"DNS does not answer: {type(error).__name__}") from error
    return [b"".join(record.strings).decode("ascii", "replace") for record in answer]
