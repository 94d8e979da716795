"""What recipients write back: posted to the service's URL, and heeded by Twilio when it is a stop word.

Source: Twilio docs, "Twilio's request to your incoming message webhook" and "Advanced Opt-Out".
"""

from connectors.sandbox.draws import digest
from connectors.sandbox.provider_posts import Wire
from connectors.sandbox.provider_state import OPTED_OUT, Providers
from connectors.sandbox.twilio_callbacks import API_VERSION, send

_HELP = ("HELP", "INFO")


def come_in(providers: Providers, sender: str, body: str, to: str = "") -> tuple[int, str]:
    """Let somebody write: the app's status, 0 for no answer or no URL, and the opt-out type or nothing.

    Args:
        to: the number written to; the service's first one without.
    """
    settings = providers.settings
    opt_out = _opt_out_type(providers, body)
    if opt_out == "STOP":
        providers.remember(OPTED_OUT, number=sender, at=providers.now())
    if opt_out == "START":
        providers.remember(OPTED_OUT, number=sender, at=None)
    sid = f"SM{digest(providers.seed, f'inbound:{providers.next_draw()}:{sender}').hex()[:32]}"
    form = {
        "ToCountry": "IT",
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsMessageSid": sid,
        "SmsStatus": "received",
        "Body": body,
        "From": sender,
        "To": to or settings.from_numbers[0],
        "AccountSid": settings.account_sid,
        "MessagingServiceSid": settings.service_sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "ApiVersion": API_VERSION,
    }
    form |= {"OptOutType": opt_out} if opt_out else {}
    if not settings.inbound_url:
        return 0, opt_out
    wire = Wire()
    try:
        return send(wire, settings.inbound_url, form, settings.auth_token), opt_out
    finally:
        wire.close()


def _opt_out_type(providers: Providers, body: str) -> str:
    word = body.strip().upper()
    words = {"STOP": providers.settings.stop_words, "START": providers.settings.start_words, "HELP": _HELP}
    return next((kind for kind, known in words.items() if word in known), "")
