"""Everything that is posted to a webhook address: storefronts on one side, providers on the other."""

from app.inbox import Kept
from app.runtime import Runtime
from webhooks.answers import Answer
from webhooks.channels import ProviderDeliveries
from webhooks.posted import Posted
from webhooks.storefronts import StorefrontDeliveries


class Deliveries:
    """Checks what is posted, for every store of this database."""

    def __init__(self, runtime: Runtime) -> None:
        self._storefronts = StorefrontDeliveries(runtime)
        self._providers = ProviderDeliveries(runtime)

    def check(self, posted: Posted) -> Kept | Answer:
        """What is to be kept of it, or the answer to something of which nothing is kept.

        Raises:
            Busy: it cannot be checked now; whoever posts it will come again.
        """
        if self._providers.is_theirs(posted.place):
            return self._providers.check(posted)
        return self._storefronts.check(posted.place, posted.headers, posted.body)

    def is_quick(self, posted: Posted) -> bool:
        """Whether `check` would go without asking the database."""
        if self._providers.is_theirs(posted.place):
            return False
        return self._storefronts.is_quick(posted.place, posted.headers)
