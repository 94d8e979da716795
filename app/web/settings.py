"""Settings: what a merchant sets for one store, each with a label and a sentence of help."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import audit, clock
from app.audit import Actor
from app.errors import BadInput
from app.lists.taking import KINDS
from app.members.roles import MARKETER, OWNER
from app.models import Store
from app.stores import homes, presets, rules, settings
from app.stores.platforms import WOOCOMMERCE
from app.stores.settings import DEFINITIONS, Setting
from app.web import choosing, senders, standing
from app.web.acting import actor
from app.web.auth import may, merchant_required, role_required
from app.web.catalogue import language, translate
from app.web.context import chosen_store, runtime
from app.web.form_fields import Choices, Groups

blueprint = Blueprint("settings", __name__)

_LONGEST = 2000
_LISTS, _WHOLE = "lists", "whole"
_OWNERS = ("sendgrid.", "twilio.", "hooks.")
"""The settings that open accounts: the owner's alone."""
_WOOCOMMERCES = ("meta.", "reconcile.sweep_days")
"""The settings that say nothing of a shop elsewhere."""
# In the order in which a merchant needs them; a group that is not here comes last under its own name.
_GROUPS = (
    "identity",
    "brand",
    "rails",
    "consent",
    "offers",
    "classes",
    "reviews",
    "sending",
    "providers",
    "meta",
)
_GROUP_OF = {
    "timezone": "identity",
    "locale": "identity",
    "sender": "identity",
    "notices": "identity",
    "sendgrid": "providers",
    "twilio": "providers",
    "welcome": "offers",
    "birthday": "offers",
    "reactivation": "offers",
    "abandoned_checkout": "offers",
    "texts": "identity",
    "preferences": "consent",
    "reconcile": "sending",
    "hooks": "providers",
}


_OPENED_AT = {
    "sendgrid.api_key": "https://app.sendgrid.com/settings/api_keys",
    "twilio.account_sid": "https://console.twilio.com/",
    "twilio.messaging_service_sid": "https://console.twilio.com/us1/develop/sms/services",
}
"""Where that is found. Sources: SendGrid's OpenAPI of API keys; twilio.com/docs/messaging/services."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form; one that its reader may not change is told as text (`is_told`).

    Attributes:
        choices: what there is to choose from, with its words; nothing where it is typed.
        groups: more to choose from, each group under its name.
        more: where a browser finds the groups that are not there.
        opened_at: the provider's page where what is asked for is found.
    """

    setting: Setting
    value: str
    error: str | None
    is_told: bool
    choices: Choices
    groups: Groups = ()
    more: str = ""
    opened_at: str = ""


@blueprint.get("/app/settings")
@merchant_required
def show() -> ResponseReturnValue:
    """The form as it stands."""
    return _form({}, {})


@blueprint.post("/app/settings")
@role_required(MARKETER)
def save() -> ResponseReturnValue:
    """Keep what changed, or show beside each field what is wrong with it and keep nothing."""
    typed, errors = keep_typed(by=actor())
    if errors:
        return _form(typed, errors), 400
    flash(translate("settings.saved"))
    return redirect(url_for("settings.show"), code=303)


@blueprint.post("/app/settings/preset")
@role_required(MARKETER)
def use_preset() -> ResponseReturnValue:
    """Set what a well-known plugin keeps where."""
    values = presets.values_of(request.form.get("preset", ""))
    with runtime().database.write() as session:
        store = chosen_store(session)
        written = settings.write(session, store, values, vault=runtime().vault)
        audit.record_settings(session, store.id, actor(), written, now=clock.now())
    flash(translate("settings.saved"))
    return redirect(url_for("settings.show"), code=303)


@blueprint.post("/app/settings/home")
@role_required(MARKETER)
def settle_home() -> ResponseReturnValue:
    """The merchant says whether a shop that speaks from another address moved, or is a copy."""
    is_moved = request.form.get("home") == "moved"
    with runtime().database.write() as session:
        store = session.get_one(Store, chosen_store(session).id, with_for_update=True)
        if is_moved:
            homes.settle_moved(session, runtime().vault, store, clock.now())
        else:
            homes.settle_copy(store)
        action = audit.STORE_MOVED if is_moved else audit.STORE_COPIED
        audit.record(session, store.id, actor(), action, now=clock.now(), subject=store.domain)
    flash(translate("settings.saved"))
    return redirect(url_for("settings.show"), code=303)


def keep_typed(*, by: Actor) -> tuple[dict[str, str], dict[str, str]]:
    """Keep what the form says of settings, or nothing: what was typed, and what is wrong with it, by key."""
    with runtime().database.write() as session:
        store = chosen_store(session)
        held = settings.read_all(store)
        typed = {key: _typed(key) for key in DEFINITIONS if key in request.form and _is_offered(key)}
        changed = {key: text for key, text in typed.items() if text != held[key]}
        errors = _errors(changed)
        if not errors:
            try:
                written = settings.write(session, store, changed, vault=runtime().vault)
                audit.record_settings(session, store.id, by, written, now=clock.now())
            except settings.UnknownStatus as error:
                errors = {error.field or "": translate("setting.error.statuses", known=error.known)}
            except BadInput as error:
                errors = {error.field or "": str(error)}
    return typed, errors


def fields_of(
    keys: Iterable[str], held: Mapping[str, str], typed: Mapping[str, str], errors: Mapping[str, str]
) -> list[Field]:
    """The fields of some settings, with what was typed where that is not what holds."""
    return [_field(DEFINITIONS[key], typed.get(key, held[key]), errors.get(key)) for key in keys]


def _field(setting: Setting, value: str, error: str | None) -> Field:
    offered = choosing.offer(setting, value, clock.now(), is_whole=_is_whole())
    return Field(
        setting,
        value,
        error,
        not _is_offered(setting.key),
        choices=offered.choices,
        groups=offered.groups,
        more=offered.more,
        opened_at=_OPENED_AT.get(setting.key, ""),
    )


def _is_whole() -> bool:
    """Whether every list is asked for in full, as a link does where no script runs."""
    return request.args.get(_LISTS) == _WHOLE


def _is_offered(key: str) -> bool:
    """Whether the reader of this request may set it: what opens an account is the owner's."""
    return may(OWNER if key.startswith(_OWNERS) else MARKETER)


def _typed(key: str) -> str:
    """What was typed, or the words that were chosen of several, or the two ends of a span of hours."""
    between = "-" if DEFINITIONS[key].rule is rules.HOURS else ","
    return between.join(filter(None, (text.strip() for text in request.form.getlist(key))))[:_LONGEST]


def _errors(changed: Mapping[str, str]) -> dict[str, str]:
    """What is wrong, by key; an empty text is never wrong, it returns to the default."""
    errors = {}
    for key, text in changed.items():
        rule = DEFINITIONS[key].rule
        try:
            if text:
                rule.check(text)
        except ValueError as error:
            errors[key] = str(error) if language() == "en" else translate(f"setting.error.{rule.kind}")
    return errors


def _form(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    with runtime().database.read() as session:
        store = chosen_store(session)
        ways_out = senders.of_store(session, runtime(), store, clock.now())
        told = {
            "connection": standing.connection(session, runtime(), store),
            "consent_texts": standing.consent_texts(session, store),
        }
    held = settings.read_all(store)
    groups: dict[str, list[Field]] = {name: [] for name in _GROUPS}
    for field in fields_of(DEFINITIONS, held, typed, errors):
        first = field.setting.key.partition(".")[0]
        if store.platform == WOOCOMMERCE or not field.setting.key.startswith(_WOOCOMMERCES):
            groups.setdefault(_GROUP_OF.get(first, first), []).append(field)
    return render_template(
        "settings.html",
        groups={name: fields for name, fields in groups.items() if fields},
        errors=errors,
        senders=ways_out,
        other_home=store.other_home.get("url", ""),
        domain=store.domain,
        statuses=settings.statuses_of(store),
        status_keys=settings.STATUS_KEYS,
        list_kinds=KINDS,
        presets=presets.NAMES if store.platform == WOOCOMMERCE else (),
        kept=standing.KEPT,
        opened=_GROUP_OF["timezone"] if _is_whole() else "",
        **told,
    )
