"""What is wrong with a text that a merchant wrote, and where: before it is kept or its flow switched on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.messaging import blocks, liquid, sms
from app.messaging.allowances import MAX_MAIL_BYTES, is_cut_off
from app.messaging.content import Content, Mail
from app.messaging.editions import Wording, content_of
from app.messaging.errors import TOO_MUCH, ContentError, UnresolvedContent
from app.messaging.letters import Letter
from app.messaging.specimens import Slot
from app.messaging.variables import FIELDS, LISTS

MAX_SMS = 1600
"""Source: Twilio, error 21617: the concatenated body exceeds 1600 characters."""

_LONGEST_SMS = 1_000
_OF_A_LIST = frozenset({"size", "first", "last"})
_SILENT = {"kind": "spacer"}
"""A block that says nothing."""
_TEXTS = ("text", "label", "url", "button", "low", "high")
"""The fields of a block that are Liquid."""

TryOn = Callable[[Content, str], Letter]
"""Writes a content by a channel to somebody, as it would be sent."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        place: subject, preheader, sms, blocks.3.text, or "" for the mail as a whole.
        code: empty, long, invalid, liquid, unknown, link, missing, failed, heavy.
        detail: the variable, the limit or the reason, as the code asks for.
        line: of the text, where it is known.
    """

    place: str
    code: str
    detail: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a merchant typed for one language, unchecked; `sms` is None where the step has none."""

    subject: str
    preheader: str
    blocks: tuple[Mapping[str, Any], ...]
    sms: str | None = None

    @classmethod
    def of(cls, wording: Wording) -> "Draft":
        """The draft that a wording would be typed as."""
        parts = wording.mail.model_dump(mode="json", exclude_none=True)
        return cls(parts["subject"], parts["preheader"], tuple(parts["blocks"]), wording.sms)

    def text_alone(self) -> "Draft":
        """The text message in a mail that says nothing: nothing else is read to write it."""
        return Draft("-", "-", (_SILENT,), self.sms)

    def wording(self) -> Wording:
        """The draft as it would be kept.

        Raises:
            pydantic.ValidationError: a part is no text of the right length, or a block is none.
        """
        parts = {"subject": self.subject, "preheader": self.preheader, "blocks": self.blocks}
        return Wording(Mail.model_validate(parts), self.sms)


def problems_of(draft: Draft) -> list[Problem]:
    """What can be told from the words alone."""
    found = list(_shape(draft))
    known = {problem.place for problem in found}
    for place, text in texts_of(draft):
        if place not in known:
            found += _in_text(place, text)
    return found


def problems_on(draft: Draft, slot: Slot, locale: str, try_on: TryOn) -> list[Problem]:
    """What shows when a draft, sound in its words, is written to somebody; with the place where it shows."""
    whole = content_of(slot.content, {locale: draft.wording()})
    found: list[Problem] = []
    try:
        letter = try_on(whole, "email")
    except ContentError as error:
        # Of a mail that is too much as a whole each part may be as costly, and none be at fault.
        is_costly = TOO_MUCH in str(error)
        part = None if is_costly else _located(draft, slot, locale, try_on)
        found.append(part or _failed("", error))
    else:
        if is_cut_off(letter.outgoing.html):
            found.append(Problem("", "heavy", str(MAX_MAIL_BYTES // 1024)))
    if draft.sms is not None:
        try:
            text = try_on(whole, "sms").outgoing.text
        except ContentError as error:
            found.append(_failed("sms", error))
        else:
            found += [Problem("sms", "long", str(MAX_SMS))] if len(text) > MAX_SMS else []
    return found


def texts_of(draft: Draft) -> Iterator[tuple[str, str]]:
    """Every text of a draft that is Liquid, with its place; a condition as the text that would ask it."""
    yield "subject", draft.subject
    yield "preheader", draft.preheader
    for number, block in enumerate(draft.blocks):
        for name in _TEXTS:
            if isinstance(block.get(name), str):
                yield f"blocks.{number}.{name}", block[name]
        if block.get("when"):
            yield f"blocks.{number}.when", f"{{% if {block['when']} %}}{{% endif %}}"
    if draft.sms is not None:
        yield "sms", draft.sms


def forcing_signs(text: str) -> str:
    """The signs for which a text message leaves the telephone's alphabet, each once; "" if it need not."""
    plain = sms.plain(text)
    if sms.segments(plain).encoding == sms.GSM:
        return ""
    return "".join(dict.fromkeys(sign for sign in text if sms.segments(sms.plain(sign)).encoding != sms.GSM))


def _shape(draft: Draft) -> Iterator[Problem]:
    try:
        draft.wording()
    except ValidationError as error:
        for one in error.errors():
            place = _place(one["loc"])
            if place == "blocks" and draft.blocks:
                # A list that lacks those which are no blocks counts as too short, too.
                continue
            if one["type"] in {"string_too_short", "missing", "too_short"}:
                yield Problem(place, "empty")
            elif one["type"] in {"string_too_long", "too_long"}:
                yield Problem(place, "long", str(one.get("ctx", {}).get("max_length", "")))
            else:
                yield Problem(place, "invalid")
    if draft.sms is not None and not draft.sms.strip():
        yield Problem("sms", "empty")
    if draft.sms is not None and len(draft.sms) > _LONGEST_SMS:
        yield Problem("sms", "long", str(_LONGEST_SMS))


def _place(location: tuple[int | str, ...]) -> str:
    """`blocks.3.text` of pydantic's ("blocks", 3, "button", "text"), where the kind stands in between."""
    if location[0] == "blocks" and len(location) > 3:
        location = (*location[:2], *location[3:])
    return ".".join(str(part) for part in location)


def _in_text(place: str, text: str) -> Iterator[Problem]:
    try:
        template = blocks.template(text)
    except UnresolvedContent as error:
        yield Problem(place, "unknown", error.name)
        return
    except ContentError as error:
        yield Problem(place, "liquid", _short(error), liquid.line_of(error.__cause__))
        return
    for path in sorted(liquid.used(text)):
        if not _is_known(path):
            yield Problem(place, "unknown", path)
    if place.endswith(".url") and template.constant is not None and not _is_safe(template.constant):
        yield Problem(place, "link")


def _is_known(path: str) -> bool:
    root, *names = path.split(".")
    if root in LISTS:
        names = [name for name in names if name not in _OF_A_LIST]
    return not names or (len(names) == 1 and names[0] in FIELDS[root])


def _is_safe(url: str) -> bool:
    return url.strip().startswith(("https://", "mailto:")) and blocks.leads_somewhere(url)


def _located(draft: Draft, slot: Slot, locale: str, try_on: TryOn) -> Problem | None:
    """The first part that fails by itself."""
    parts = [
        ("subject", Draft(draft.subject, "-", (_SILENT,))),
        ("preheader", Draft("-", draft.preheader, (_SILENT,))),
    ]
    for number, block in enumerate(draft.blocks):
        field = ".text" if "text" in block else ""
        parts.append((f"blocks.{number}{field}", Draft("-", "-", (block,))))
    for place, part in parts:
        try:
            try_on(content_of(slot.content, {locale: part.wording()}), "email")
        except ContentError as error:
            failed = _failed(place, error)
            # The frame around every part needs the shop's name and address; that is no part's fault.
            return None if failed.detail in _FRAMES else failed
    return None


_FRAMES = frozenset({"store.name", "store.address", "store.url"})


def _failed(place: str, error: ContentError) -> Problem:
    if isinstance(error, UnresolvedContent):
        return Problem(place, "missing", error.name)
    return Problem(place, "failed", _short(error))


def _short(error: ContentError) -> str:
    """The reason without our introduction to it."""
    return str(error).rpartition("Liquid: ")[2].removeprefix("the template failed: ")[:200]
