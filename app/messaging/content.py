"""What a message says, as data: per language a subject, a preheader and blocks, or the text of an SMS.

The defaults of the recipes lie in `emails/<flow>/<step>.json`; a merchant's own edition has the same
shape. Every text is Liquid (see `templating`) over the variables of `variables.FIELDS`.
"""

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

LANGUAGES = ("it", "en")
DEFAULT_LANGUAGE = "en"
MOST_PRODUCTS = 12
"""Cards of one block."""
OWN = "own-"
"""How the names of messages begin that a merchant added; they begin with the text of `started.json`."""

Words = Annotated[str, Field(min_length=1, max_length=5_000)]
Path = Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_]+)?$")]


class _Strict(BaseModel):
    # Most blocks are only ever read as a part of the whole, whose validator has theirs in it.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class _Block(_Strict):
    """`when` names a variable (`store.story`) without which the block is left out."""

    when: Path | None = None


class Heading(_Block):
    """The mail's headline."""

    kind: Literal["heading"]
    text: Words


class Text(_Block):
    """A paragraph; line breaks are kept."""

    kind: Literal["text"]
    text: Words


class Note(_Block):
    """Small print inside the mail."""

    kind: Literal["note"]
    text: Words


class Quote(_Block):
    """Somebody else's words: a testimonial."""

    kind: Literal["quote"]
    text: Words


class Button(_Block):
    """The one thing to do; `url` is Liquid too and must come out as an http or https address."""

    kind: Literal["button"]
    label: Words
    url: Words


class Products(_Block):
    """A card for each of `products`; `button` is the label under each, leading to `link`.

    `is_required`: without a product the mail has nothing to say and must not leave.
    """

    kind: Literal["products"]
    limit: int = Field(default=3, ge=1, le=MOST_PRODUCTS)
    link: Literal["url", "review_url"] = "url"
    button: Words | None = None
    shows_price: bool = True
    is_required: bool = False


class Voucher(_Block):
    """The customer's code, what it is worth and until when."""

    kind: Literal["voucher"]


class Rating(_Block):
    """Five answers, each a link to the rating page with the answer chosen; `low`, `high` name the ends."""

    kind: Literal["rating"]
    url: Words
    low: Words
    high: Words


class Signature(_Block):
    """How the mail ends."""

    kind: Literal["signature"]
    text: Words


class Spacer(_Block):
    """A thin line with room around it."""

    kind: Literal["spacer"]


Block = Annotated[
    Heading | Text | Note | Quote | Button | Products | Voucher | Rating | Signature | Spacer,
    Field(discriminator="kind"),
]


class Mail(_Strict):
    """An e-mail in one language."""

    subject: Annotated[str, Field(min_length=1, max_length=300)]
    preheader: Annotated[str, Field(min_length=1, max_length=300)]
    blocks: Annotated[tuple[Block, ...], Field(min_length=1, max_length=60)]


class Content(_Strict):
    """A message of a flow: an e-mail, an SMS or both, in at least one language.

    `variant` tells apart two forms of one step (`welcome_back`); empty for the only one.
    """

    flow: str
    step: str
    variant: str = ""
    email: dict[Literal["it", "en"], Mail] = {}
    sms: dict[Literal["it", "en"], Annotated[str, Field(min_length=1, max_length=1_000)]] = {}

    @model_validator(mode="after")
    def _says_something(self) -> "Content":
        if not self.email and not self.sms:
            raise ValueError("a message needs an e-mail or a text")
        return self


@cache
def default(flow: str, step: str, variant: str = "") -> Content:
    """The recipe's own content of a step; of a merchant's message the text that its editor begins with.

    Raises:
        KeyError: there is none.
    """
    if step.startswith(OWN):
        return _started().model_copy(update={"flow": flow, "step": step})
    name = f"{step}.{variant}.json" if variant else f"{step}.json"
    path = files("app.messaging") / "emails" / flow / name
    if not path.is_file():
        raise KeyError(f"{flow}/{name}")
    return Content.model_validate_json(path.read_text(encoding="utf-8"))


def named(name: str) -> Content:
    """The recipe's own content by its name (`welcome/W1.welcome_back`).

    Raises:
        KeyError: there is none.
    """
    flow, _, rest = name.partition("/")
    return default(flow, *_step_and_variant(rest))


def is_own(name: str) -> bool:
    """Whether a content is that of a message which a merchant added: nobody wrote it but them."""
    return name.partition("/")[2].startswith(OWN)


def defaults() -> list[Content]:
    """Every content that comes with the recipes, in the order of their names."""
    folders = sorted((files("app.messaging") / "emails").iterdir(), key=lambda folder: folder.name)
    return [
        default(folder.name, *_step_and_variant(name))
        for folder in folders
        for name in sorted(path.name for path in folder.iterdir())
    ]


def language_for(customer_locale: str | None, store_locale: str | None) -> str:
    """The language to write in: the customer's if we have it, else the store's, else English."""
    for locale in (customer_locale, store_locale):
        language = (locale or "")[:2].lower()
        if language in LANGUAGES:
            return language
    return DEFAULT_LANGUAGE


@cache
def _started() -> Content:
    path = files("app.messaging") / "started.json"
    return Content.model_validate_json(path.read_text(encoding="utf-8"))


def _step_and_variant(name: str) -> tuple[str, str]:
    step, _, variant = name.removesuffix(".json").partition(".")
    return step, variant
