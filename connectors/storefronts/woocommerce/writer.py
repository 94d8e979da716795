"""The writing side of a connected WooCommerce store, as `StoreWriter` of connectors.writing."""

from connectors.storefronts.woocommerce.api import WooSettings
from connectors.storefronts.woocommerce.calls import Calls
from connectors.transport import StoreTransport
from connectors.writing import ConsentChange, NotSupported


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
