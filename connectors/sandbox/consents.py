"""Whether a shopper agreed to marketing, as of a moment, whoever said it last: the shopper or the app."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.sandbox.model import Shopper, WorldView
from connectors.sandbox.written import written

NOT_SUBSCRIBED = "NOT_SUBSCRIBED"
SUBSCRIBED = "SUBSCRIBED"
UNSUBSCRIBED = "UNSUBSCRIBED"
LEVELS = {"single": "SINGLE_OPT_IN", "confirmed": "CONFIRMED_OPT_IN"}


@dataclass(frozen=True, slots=True)
class ConsentState:
    """One channel's consent: Shopify's words, which WooCommerce's meta are derived from."""

    state: str
    level: str | None
    changed_at: datetime | None

    @property
    def is_given(self) -> bool:
        """True while the shopper may be written to."""
        return self.state == SUBSCRIBED


def email_consent(world: WorldView, shopper: Shopper, at: datetime) -> ConsentState:
    """The e-mail consent as of `at`."""
    own = _own_consent(
        shopper.email_consent_at, shopper.withdrawn_at, LEVELS.get(shopper.email_consent_level, "UNKNOWN"), at
    )
    return _newest(own, _written_consent(world, shopper, "email", at))


def sms_consent(world: WorldView, shopper: Shopper, at: datetime) -> ConsentState:
    """The SMS consent as of `at`."""
    own = _own_consent(shopper.sms_consent_at, None, "SINGLE_OPT_IN", at)
    return _newest(own, _written_consent(world, shopper, "sms", at))


def write_consent(world: WorldView, household: int, channel: str, consent: ConsentState) -> None:
    """Keep what the app wrote about a shopper's consent (channel ``email`` or ``sms``)."""
    moment = consent.changed_at or world.now
    fact: Mapping[str, object] = {
        "household": household,
        "channel": channel,
        "state": consent.state,
        "level": consent.level,
        "at": moment.isoformat(),
    }
    world.remember("consent", fact)


def _own_consent(
    given_at: datetime | None, withdrawn_at: datetime | None, level: str, at: datetime
) -> ConsentState:
    if given_at is None or given_at > at:
        return ConsentState(NOT_SUBSCRIBED, None, None)
    if withdrawn_at is not None and withdrawn_at <= at:
        return ConsentState(UNSUBSCRIBED, level, withdrawn_at)
    return ConsentState(SUBSCRIBED, level, given_at)


def _written_consent(world: WorldView, shopper: Shopper, channel: str, at: datetime) -> ConsentState | None:
    for fact in reversed(written(world, "consent", "household").all_of(shopper.household)):
        moment = datetime.fromisoformat(str(fact["at"]))
        if fact["channel"] == channel and moment <= at:
            level = fact["level"]
            return ConsentState(str(fact["state"]), None if level is None else str(level), moment)
    return None


def _newest(own: ConsentState, other: ConsentState | None) -> ConsentState:
    if other is None or other.changed_at is None:
        return own
    return own if own.changed_at is not None and own.changed_at > other.changed_at else other
