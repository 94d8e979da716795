"""The four default recipes as a table. Source: docs/recipes.md, PRODUCT.md section 2."""

from __future__ import annotations

from dataclasses import dataclass

from tests.oracle.moments import DAY, HOUR

ANSWER, SERVICE, MARKETING = "answer", "service", "marketing"
CONSENT, FIRST_ORDER = "consent", "first-order"
FALLBACK = "fallback"
ADULT_YEARS = 18
BIRTHDAY_KNOWN_DAYS = 30
BIRTHDAY_GAP = 364 * DAY
SPACING = 3 * DAY
FLAPPING_WORDS, FLAPPING_PAUSE = 4, DAY
HOME_TRANSIT, ABROAD_TRANSIT = 7 * DAY, 14 * DAY
MEDIAN_NEEDS, MEDIAN_OF = 20, 200
PAIR_NEEDS = 20
PAIRED_PRODUCTS = 12
ASKED_PRODUCTS = 3
WELCOME_CODE_DAYS, BIRTHDAY_CODE_DAYS = 10, 14
CLICK_WINDOW = 5 * DAY
FEWEST_RETURNS, FEWEST_PEOPLE = 40, 20
FIRST_NIGHTS = 3 * DAY
KEEPS_RHYTHMS = 400 * DAY
REVIEW_PART, SOONEST_REVIEW, LATEST_REVIEW = 4, 7, 30


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a recipe.

    Attributes:
        lives: seconds from due to expiry; 0 means until the code's end, -1 until the day's end.
        code: the voucher that the step brings first.
    """

    purpose: str
    priority: int
    lives: int
    is_ask: bool = False
    keeps_from_asks: bool = False
    code: str = ""


UNTIL_CODE_ENDS, UNTIL_DAY_ENDS = 0, -1
STEPS = {
    "W1": Step(ANSWER, 1, 24 * HOUR, code="welcome"),
    "W2": Step(MARKETING, 3, 48 * HOUR),
    "W3": Step(MARKETING, 3, 48 * HOUR),
    "W4": Step(MARKETING, 3, 48 * HOUR),
    "W5": Step(SERVICE, 2, 48 * HOUR),
    "W6": Step(MARKETING, 3, UNTIL_CODE_ENDS, code="shipping"),
    "M3": Step(SERVICE, 4, 5 * DAY, is_ask=True, keeps_from_asks=True),
    "M3R": Step(SERVICE, 4, 5 * DAY),
    "X1": Step(MARKETING, 6, 5 * DAY, keeps_from_asks=True),
    "X2": Step(MARKETING, 6, 5 * DAY, keeps_from_asks=True, code="shipping"),
    "B1": Step(MARKETING, 2, 48 * HOUR, code="birthday"),
    "B2": Step(MARKETING, 2, UNTIL_DAY_ENDS),
    "B3": Step(MARKETING, 5, UNTIL_CODE_ENDS),
}
WELCOME_PLAN = ((2 * DAY, "W2"), (4 * DAY, "W3"), (7 * DAY, "W4"), (9 * DAY, "W6"))
FIRST_ORDER_DELAY = 24 * HOUR
REMINDER_DELAY = 7 * DAY
CROSS_SELL_DELAY = 14 * DAY
CODE_OF_STEP = {"W1": "welcome", "W2": "welcome", "W3": "welcome", "W4": "welcome", "W6": "shipping"}
CODE_OF_STEP |= {"X2": "shipping", "B1": "birthday", "B2": "birthday", "B3": "birthday"}
NEEDS_UNUSED_CODE = {"W4": "welcome", "W6": "welcome", "B3": "birthday"}
