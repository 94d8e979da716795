"""Why a store cannot be connected, in the reader's language; the connectors say it in English.

The sentences stand in the catalogues as `shop.said.<the connector's sentence>`.
"""

import re

from app.web.catalogue import CATALOGUES, language, translate

_ELSEWHERE = re.compile(r"(?P<why>.+) Connect with (?P<address>\S+) instead\.")


def told(text: str) -> str:
    """The sentence; one that nobody translated stands behind words of ours, as the store's own."""
    elsewhere = _ELSEWHERE.fullmatch(text)
    why = elsewhere["why"] if elsewhere else text
    known = CATALOGUES[language()].get(f"shop.said.{why}")
    if known is None:
        return translate("shop.said", text=text)
    return f"{known} {translate('shop.instead', address=elsewhere['address'])}" if elsewhere else known
