"""Every setting of a store: its rule, its default and a sentence of help."""

from collections.abc import Mapping

from app.stores import flow_settings, rules
from app.stores.rules import Setting
from connectors.storefronts.woocommerce.meta import BIRTHDAY_FORMATS, YES, MetaMapping

_META_KEY_LENGTH = 200


_WOO = MetaMapping()

_IDENTITY = (
    Setting(
        "timezone", rules.ZONE, "UTC", "The zone of customers whose own is not known.", column="timezone"
    ),
    Setting("locale", rules.LOCALE, "en", "The language of customers who named none.", column="locale"),
    Setting("sender.email", rules.EMAIL, "", "The address that mails come from, on a domain you verified."),
    Setting("sender.name", rules.line(100), "", "The name that mails come from.", column="name"),
    Setting(
        "sender.postal_address",
        rules.line(300),
        "",
        "The postal address that stands under every mail.",
        column="postal_address",
    ),
    Setting(
        "notices.email",
        rules.EMAIL,
        "",
        "Where we write to you when something stops; the shop's own address if empty.",
        column="email",
    ),
    Setting(
        "notices.weekly",
        rules.SWITCH,
        "on",
        "A mail to you on Monday morning about the week before: what came back, what left, who joined.",
    ),
    Setting("notices.phone", rules.PHONE, "", "Your own mobile number, where you try text messages."),
    Setting("sender.sms_name", rules.line(30), "", "The name that text messages begin with.", column="name"),
)

_BRAND = (
    Setting("brand.logo_url", rules.PICTURE, "", "The picture above every mail; your name if empty."),
    Setting(
        "brand.color",
        rules.COLOUR,
        "",
        "The colour of the buttons; what is written on them turns white or black, whichever can be read.",
    ),
)

_RAILS = (
    Setting("rails.email_hours", rules.HOURS, "08-21", "Mails leave between these hours of the recipient."),
    Setting("rails.sms_hours", rules.HOURS, "09-20", "Text messages leave between these hours."),
    Setting("rails.cap_per_day", rules.number(1, 10), "1", "The most messages a person gets in 24 hours."),
    Setting("rails.cap_per_week", rules.number(1, 30), "3", "The most messages a person gets in 7 days."),
    Setting("rails.sms_cap_per_week", rules.number(0, 10), "1", "The most texts in 7 days; 0 is none."),
    Setting(
        "rails.holdout_percent",
        rules.number(0, 50),
        "10",
        "The share of people left out of a flow, so that its effect can be measured.",
    ),
)

_CONSENT = (
    Setting(
        "consent.soft_opt_in",
        rules.SWITCH,
        "off",
        "Write about similar products to buyers who did not object, where the law allows it.",
    ),
    Setting(
        "consent.import",
        rules.choice("declined", "done"),
        "",
        "Whether the list of your earlier mail service was imported, so that its refusals are kept.",
    ),
    Setting(
        "consent.double_opt_in",
        rules.SWITCH,
        "off",
        "Write only to those who confirm by a mail: in Italy the least proof that the Garante asks for.",
    ),
    Setting(
        "consent.confirmations_per_hour",
        rules.number(1, 10_000),
        "200",
        "The most confirmation mails that leave in an hour, against forms that robots fill in.",
    ),
    Setting(
        "consent.lapses_after_days",
        rules.number(0, 3650),
        "0",
        "After so many days without a word or an order people get no marketing; 0: until they object.",
    ),
    Setting(
        "preferences.language",
        rules.SWITCH,
        "on",
        "Let people choose on their preference page in which language you write to them.",
    ),
    Setting(
        "preferences.birthday",
        rules.SWITCH,
        "off",
        "Ask for the birthday on the preference page: day and month, the year only if they like.",
    ),
)

_SENDING = (
    Setting("sendgrid.api_key", rules.coded(""), "", "The key that sends mails by SendGrid.", is_secret=True),
    Setting(
        "sendgrid.webhook_public_key", rules.PUBLIC_KEY, "", "The key that checks SendGrid's event webhook."
    ),
    Setting("twilio.account_sid", rules.coded("AC"), "", "The Twilio account that sends text messages."),
    Setting(
        "twilio.auth_token",
        rules.coded(""),
        "",
        "The token of the Twilio account; it also checks what Twilio calls back.",
        is_secret=True,
    ),
    Setting("twilio.messaging_service_sid", rules.coded("MG"), "", "The numbers that Twilio sends from."),
    Setting(
        "sending.email_per_day",
        rules.number(0, 10_000_000),
        "0",
        "The most mails that leave in a day, as your plan allows; 0 is no limit.",
    ),
    Setting(
        "sending.warm_up",
        rules.choice("on", "off", "done"),
        "on",
        "Let a new domain send a little more each day, as mailbox providers like it; done for one in use.",
    ),
    Setting(
        "sending.sms_per_day",
        rules.number(0, 1_000_000),
        "0",
        "The most text messages that leave in a day; 0 is no limit.",
    ),
    Setting(
        "sending.sms_per_second",
        rules.number(0, 1000),
        "10",
        "How many text messages your numbers may send in a second; 0 is no limit.",
    ),
    Setting(
        "sending.sms_price_minor",
        rules.PRICE,
        "",
        "What one part of a text message costs you, in cents; costs are not known while this is empty.",
    ),
    Setting(
        "sending.sms_price_currency",
        rules.CURRENCY,
        "EUR",
        "The currency of that price, as your provider bills it.",
        column="currency",
    ),
    Setting(
        "sending.sms_spend_per_month",
        rules.number(0, 1_000_000),
        "50",
        "The most that text messages may cost in a month, in that currency; 0 is no limit.",
    ),
    Setting(
        "sending.settle",
        rules.choice("look-up", "silence"),
        "look-up",
        "How a message whose answer was lost is settled: by what the provider shows, or by its silence.",
    ),
    Setting(
        "sending.settle_after_seconds",
        rules.number(60, 604_800),
        "1800",
        "After how many seconds silence counts as not sent.",
    ),
)

_HOOKS = (
    Setting(
        "hooks.secret",
        rules.SIGNING_SECRET,
        "",
        "What signs the calls of your flows' webhook steps (Standard Webhooks); without it none is made.",
        is_secret=True,
    ),
)

_META = (
    Setting(
        "meta.email_consent",
        rules.line(_META_KEY_LENGTH),
        "",
        "The meta key where your checkout keeps the consent to mails; of several, the first found counts.",
    ),
    Setting("meta.email_consent_yes", rules.WORDS, ",".join(YES), "The values of that key that mean yes."),
    Setting(
        "meta.sms_consent",
        rules.line(_META_KEY_LENGTH),
        "",
        "The meta key where your checkout keeps the consent to text messages.",
    ),
    Setting("meta.sms_consent_yes", rules.WORDS, ",".join(YES), "The values of that key that mean yes."),
    Setting(
        "meta.tracking_consent",
        rules.line(_META_KEY_LENGTH),
        "",
        "The meta key where your checkout keeps the consent to following clicks.",
    ),
    Setting("meta.tracking_consent_yes", rules.WORDS, ",".join(YES), "The values of that key that mean yes."),
    Setting("meta.birthday", rules.line(_META_KEY_LENGTH), "", "The meta key where birthdays are kept."),
    Setting(
        "meta.birthday_format",
        rules.choice(*BIRTHDAY_FORMATS),
        _WOO.birthday_format,
        "How the birthdays of that key are written.",
    ),
    Setting(
        "meta.paid_statuses",
        rules.WORDS,
        ",".join(_WOO.paid_statuses),
        "The order statuses that count as paid without a date of payment.",
    ),
    Setting(
        "meta.delivered_statuses",
        rules.WORDS,
        ",".join(_WOO.delivered_statuses),
        "The order statuses that say that the parcel has arrived.",
    ),
    Setting(
        "meta.delivered_key",
        rules.line(_META_KEY_LENGTH),
        "",
        "The meta key where your shipment plugin keeps its parcels; where it is, completed is not delivered.",
    ),
    Setting(
        "meta.delivered_values",
        rules.WORDS,
        ",".join(_WOO.delivered_values),
        "The values of that key that mean delivered.",
    ),
)

DEFINITIONS: Mapping[str, Setting] = {
    setting.key: setting
    for setting in (
        *_IDENTITY,
        *_BRAND,
        *_RAILS,
        *_CONSENT,
        *_SENDING,
        *_HOOKS,
        *_META,
        *flow_settings.FLOWS,
        *flow_settings.REVIEWS,
        *flow_settings.CLASSES,
    )
}
"""Every setting by its key, in the order in which it is shown."""
