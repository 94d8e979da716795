"""What every message says in the same words: the footer, the voucher's labels, the way out of an SMS."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """One language's fixed phrases; `{}` is the store's name, or a moment in `valid_until`.

    `why` tells the reader why they get this, by purpose or basis.
    """

    voucher_label: str
    voucher_use: str
    valid_until: str
    unsubscribe: str
    preferences: str
    sms_opt_out: str
    why: dict[str, str]


WORDINGS: dict[str, Wording] = {
    "it": Wording(
        voucher_label="Il tuo codice",
        voucher_use="Vale una volta sola: basta inserirlo alla cassa.",
        valid_until="Vale fino a {}",
        unsubscribe="Annulla l’iscrizione",
        preferences="Preferenze",
        sms_opt_out="Stop: {}",
        why={
            "transactional": "Questa email riguarda una tua richiesta a {}.",
            "service": "Ti scriviamo a proposito di un tuo acquisto da {}.",
            "soft_opt_in": "Ti scriviamo perché hai acquistato da {}. Puoi dirci basta in ogni momento.",
            "consent": "Ti scriviamo perché hai scelto di ricevere le nostre email.",
            "": "Questa email arriva da {}. Puoi dirci basta in ogni momento.",
        },
    ),
    "en": Wording(
        voucher_label="Your code",
        voucher_use="Good for one order: just enter it at checkout.",
        valid_until="Valid until {}",
        unsubscribe="Unsubscribe",
        preferences="Preferences",
        sms_opt_out="Stop: {}",
        why={
            "transactional": "This email is about a request you made to {}.",
            "service": "We’re writing about something you bought from {}.",
            "soft_opt_in": "We’re writing because you bought from {}. You can stop us at any time.",
            "consent": "We’re writing because you chose to hear from us by email.",
            "": "This email comes from {}. You can stop us at any time.",
        },
    ),
}


def why(wording: Wording, purpose: str, basis: str | None, store_name: str) -> str:
    """The sentence that tells the reader why this mail came."""
    key = purpose if purpose in wording.why else (basis or "")
    key = "consent" if key == "double_opt_in" else key
    return wording.why.get(key, wording.why[""]).format(store_name)
