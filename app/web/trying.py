"""A draft tried on somebody: what it would look like, what is wrong with it, and what is worth knowing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.messaging import checking, confirming, reading, sms, specimens
from app.messaging.checking import Draft, Problem, TryOn
from app.messaging.content import Content
from app.messaging.editions import content_of
from app.messaging.errors import ContentError, UnresolvedContent
from app.messaging.letters import Letter, Letters, TryOut
from app.messaging.render import CompiledContents
from app.messaging.sms import Segments
from app.messaging.specimens import Scene, Slot, Specimen
from app.models import Store
from app.runtime import Runtime
from app.stores import settings
from app.web import text_words
from app.web.catalogue import language, translate
from app.web.context import customer_of

Maker = Callable[[Scene], Specimen]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What keeps a draft from being saved, and what does not but is worth knowing."""

    problems: Sequence[Problem]
    warnings: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Texting:
    """A text message as it would be billed. `cost` in the reader's way, "" while no price is set."""

    text: str
    segments: Segments
    forcing: str
    cost: str


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the drafts of one message are tried: its store, its place in the flow, and the moment."""

    runtime: Runtime
    session: Session
    store: Store
    slot: Slot
    now: datetime

    def letter(
        self, draft: Draft, locale: str, *, person: str, channel: str, is_trial: bool = False
    ) -> Letter:
        """The draft written to a customer (their id), or to the example person ("").

        Raises:
            ContentError: it cannot be written.
            NotFound: there is no such customer in this store.
        """
        scene = self.scene(locale)
        if person:
            found = specimens.customer(self.session, scene, self._customer_id(person))
        else:
            found = specimens.example(self.session, scene)
        whole = content_of(self.slot.content, {locale: draft.wording()})
        return self._write(found, locale, whole, channel=channel, is_trial=is_trial)

    def check(self, draft: Draft, locale: str) -> Verdict:
        """What is wrong with a draft, and what is worth knowing before it is kept."""
        found = checking.problems_of(draft)
        if not found and confirming.is_asking(self.slot):
            found = confirming.problems_of(draft)
        if found:
            return Verdict(found)
        example, stranger = (
            checking.problems_on(draft, self.slot, locale, self._try_on(make, locale))
            for make in (specimens.made_up, specimens.stranger)
        )
        wrong = [one for one in example if one.detail not in text_words.OF_THE_FRAME]
        return Verdict(wrong, [one for one in (*example, *stranger) if one not in wrong])

    def readings(self, draft: Draft, locale: str) -> dict[str, list[str]]:
        """How the texts with Liquid in them read, a sentence each in the reader's language, by place."""
        found = reading.readings(draft, self.scene(locale))
        return {place: text_words.as_read(one) for place, one in found.items()}

    def texting(self, draft: Draft, locale: str, *, person: str = "") -> Texting:
        """The text message of a draft, written to a customer (their id), or to the example person ("").

        Raises:
            ContentError: it cannot be written.
            NotFound: there is no such customer in this store.
        """
        text = self.letter(draft.text_alone(), locale, person=person, channel="sms").outgoing.text
        counted = sms.segments(text)
        return Texting(text, counted, checking.forcing_signs(text), _cost(self.store, counted.count))

    def _try_on(self, make: Maker, locale: str) -> TryOn:
        specimen = make(self.scene(locale))
        return lambda whole, channel: self._write(specimen, locale, whole, channel=channel)

    def _write(
        self, who: Specimen, locale: str, whole: Content, *, channel: str, is_trial: bool = False
    ) -> Letter:
        writer = Letters(self.runtime.signer, self.runtime.settings.base_url, CompiledContents())
        how = TryOut(locale, who.values, is_trial)
        return writer.try_out(whole, who.loaded, who.goods, row=who.row(channel), how=how)

    def scene(self, locale: str) -> Scene:
        """The message in its place, in a language."""
        return Scene(self.runtime.signer, self.store, self.slot, locale, self.now)

    def _customer_id(self, person: str) -> int:
        if not (person.isascii() and person.isdigit()):
            raise NotFound("there is no such customer in this store")
        return customer_of(self.session, self.store.id, int(person)).id


def counted(texting: Texting) -> list[str]:
    """What a text message comes to, a sentence each."""
    told = [
        translate("editor.sms.count", n=texting.segments.count, units=texting.segments.units),
        translate(f"editor.sms.{texting.segments.encoding.lower().replace('-', '')}"),
        translate("editor.sms.cost", cost=texting.cost)
        if texting.cost
        else translate("editor.sms.cost.unknown"),
    ]
    return [*told, translate("editor.sms.forcing", signs=texting.forcing)] if texting.forcing else told


def in_words(problems: Sequence[Problem], slot: Slot, *, is_warning: bool = False) -> dict[str, list[str]]:
    """Sentences in the reader's language, by the place that they are about."""
    told: dict[str, list[str]] = {}
    for problem in problems:
        told.setdefault(problem.place, []).append(text_words.sentence(problem, slot, is_warning=is_warning))
    return told


def reason(error: ContentError, slot: Slot) -> str:
    """Why a mail could not be written to somebody, in the reader's language."""
    if isinstance(error, UnresolvedContent):
        return text_words.sentence(Problem("", "missing", error.name), slot)
    return text_words.sentence(Problem("", "failed", str(error)), slot)


def _cost(store: Store, parts: int) -> str:
    price = settings.read(store, "sending.sms_price_minor")
    if not price:
        return ""
    currency = settings.read(store, "sending.sms_price_currency")
    amount = (Decimal(price) * parts).scaleb(-get_currency_precision(currency))
    return format_currency(amount, currency, locale=language(), decimal_quantization=False)
