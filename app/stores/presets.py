"""What well-known plugins keep where: each preset is a handful of the `meta.*` settings."""

from collections.abc import Mapping

from app.errors import BadInput
from connectors.storefronts.woocommerce.meta import PRESETS, MetaMapping

NAMES = tuple(sorted(PRESETS))
_SETTINGS = {
    "email_consent_key": "meta.email_consent",
    "email_consent_yes": "meta.email_consent_yes",
    "birthday_key": "meta.birthday",
    "birthday_format": "meta.birthday_format",
    "delivered_key": "meta.delivered_key",
    "delivered_values": "meta.delivered_values",
}
_PLAIN = MetaMapping()


def values_of(name: str) -> Mapping[str, str]:
    """What a preset sets, by the settings' keys; what it does not speak of stays as it is.

    Raises:
        BadInput: there is no such preset; the text names them all.
    """
    preset = PRESETS.get(name)
    if preset is None:
        raise BadInput(f"There is no preset called {name[:80]}. There are: {', '.join(NAMES)}.", "preset")
    said = {key: getattr(preset, attribute) for attribute, key in _SETTINGS.items()}
    usual = {key: getattr(_PLAIN, attribute) for attribute, key in _SETTINGS.items()}
    return {key: _written(value) for key, value in said.items() if value != usual[key]}


def _written(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ",".join(value)
