"""What a merchant typed into the editor, read off its form: per language a draft, and what is to be done."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from app.errors import BadInput
from app.messaging.checking import Draft
from app.messaging.content import LANGUAGES

FIELDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "heading": (("text", "area"),),
    "text": (("text", "area"),),
    "button": (("label", "line"), ("url", "line")),
    "products": (("limit", "number"), ("button", "line"), ("shows_price", "check")),
    "voucher": (),
    "rating": (("url", "line"), ("low", "line"), ("high", "line")),
    "quote": (("text", "area"),),
    "note": (("text", "area"),),
    "signature": (("text", "area"),),
    "spacer": (),
}
"""What can be typed into each kind of block, and how; in the order in which kinds are offered."""

ADDABLE = tuple(kind for kind in FIELDS if kind != "rating")
_KEPT = ("link", "is_required", "when")
_SWITCHES = frozenset({"is_required"})
_MOST_BLOCKS, _DIGITS = 100, 3


@dataclass(frozen=True, slots=True)
class Act:
    """What the button pressed asks for: its name, and the language and block that it is about."""

    name: str
    locale: str = ""
    block: int = -1


def act_of(form: MultiDict[str, str]) -> Act:
    """The act of a form.

    Raises:
        BadInput: it is none.
    """
    name, _, rest = form.get("act", "save").partition(".")
    locale, _, number = rest.partition(".")
    is_number = number.isascii() and number.isdigit() and len(number) <= _DIGITS
    if (locale and locale not in LANGUAGES) or (number and not is_number):
        raise BadInput("there is no such button", "act")
    return Act(name, locale, int(number) if number else -1)


def read(form: MultiDict[str, str], *, has_sms: bool) -> dict[str, Draft]:
    """The drafts of a form, by language."""
    return {
        locale: Draft(
            subject=_text(form, f"{locale}.subject"),
            preheader=_text(form, f"{locale}.preheader"),
            blocks=tuple(_blocks(form, locale)),
            sms=_text(form, f"{locale}.sms") if has_sms else None,
        )
        for locale in LANGUAGES
    }


def versions(form: MultiDict[str, str]) -> dict[str, int]:
    """The versions that the form was made from."""
    typed = {locale: form.get(f"{locale}.version", "0")[:18] for locale in LANGUAGES}
    return {locale: int(text) if text.isascii() and text.isdigit() else 0 for locale, text in typed.items()}


def changed(drafts: Mapping[str, Draft], act: Act, kind: str) -> dict[str, Draft]:
    """The drafts with a block moved, taken out, added at the end or opened for words.

    Raises:
        BadInput: there is no such block, or no such kind of one.
    """
    draft = drafts.get(act.locale)
    if draft is None or act.name not in _CHANGES:
        raise BadInput("there is no such button", "act")
    blocks = list(draft.blocks)
    if act.name == "add":
        if kind not in ADDABLE:
            raise BadInput("there is no such kind of block", "kind")
        # Before the signature, where a mail has one: nothing is said after it.
        place = next((at for at, one in enumerate(blocks) if one["kind"] == "signature"), len(blocks))
        blocks.insert(place, {"kind": kind} | dict.fromkeys((name for name, _ in FIELDS[kind]), ""))
    elif 0 <= act.block < len(blocks):
        moved = blocks.pop(act.block)
        if act.name == "write":
            # A place for the merchant's own words, which until now was left out.
            moved = {"kind": moved["kind"], "text": ""}
        if act.name != "drop":
            blocks.insert(max(0, act.block + _CHANGES[act.name]), moved)
    return {**drafts, act.locale: replace(draft, blocks=tuple(blocks))}


_CHANGES = {"add": 0, "drop": 0, "write": 0, "up": -1, "down": 1}


def _blocks(form: MultiDict[str, str], locale: str) -> list[dict[str, Any]]:
    found = []
    for number in range(_MOST_BLOCKS):
        start = f"{locale}.blocks.{number}."
        kind = form.get(f"{start}kind")
        if kind is None:
            break
        found.append(_block(form, start, kind))
    return found


def _block(form: MultiDict[str, str], start: str, kind: str) -> dict[str, Any]:
    block: dict[str, Any] = {"kind": kind}
    for name, how in FIELDS.get(kind, ()):
        typed = _text(form, start + name)
        if how == "check":
            block[name] = bool(typed)
        elif how == "number":
            block[name] = int(typed) if typed.isascii() and typed.isdigit() else typed
        elif typed or name != "button":
            block[name] = typed
    for name in _KEPT:
        kept = form.get(start + name, "")
        if kept:
            block[name] = kept == "True" if name in _SWITCHES else kept
    return block


def _text(form: MultiDict[str, str], name: str) -> str:
    """What was typed, with plain line ends and without the empty lines around it."""
    return form.get(name, "").replace("\r\n", "\n").strip()
