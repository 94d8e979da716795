"""The conditions that a merchant may choose for a step, as rows of a form and back."""

from collections.abc import Mapping, Sequence

from app.flows import checks
from app.flows.definition import Entry, Message
from app.flows.steps import Score, Step
from app.messaging.conditions import OF_SCORES
from app.segments.classes import CLASSES
from app.web import step_words
from app.web.catalogue import translate
from app.web.form_fields import Choices, Field, number, select

MOST_ROWS = 5
_PROGRAMME = "lead"


def condition_choices(entry: Entry, step: Step) -> Choices:
    """What may be asked at a step; of the steps and codes before it only."""
    passed = checks.sure_at(entry.steps).get(step.id)
    before = [one for one in entry.steps if passed is not None and one.id in passed.passed]
    return [
        *((f"{kind}:{name}", step_words.when(f"{kind}:{name}")) for kind in _CLASSES for name in CLASSES),
        *((f"{kind}:{one}", translate(f"step.{kind}", programme=one)) for kind, one in _scores(entry)),
        *((name, step_words.when(name)) for name in _of_messages(before)),
    ]


def condition_fields(choices: Choices, conditions: Sequence[str], spare: int) -> list[Field]:
    """Two fields for each condition, and for so many more: what is asked, and the number of a score."""
    fields = []
    for row, condition in enumerate([*conditions, *[""] * spare][:MOST_ROWS]):
        value, least = _parted(condition)
        # A condition of the recipe's that nobody may choose is still one that a step may have.
        known = [*choices, *([(value, step_words.when(value))] if _is_missing(value, choices) else [])]
        offered = [("", translate("step.no_condition")), *known] if spare else known
        name = f"condition.{row}"
        fields.append(select(name, value, offered, "step.field.if"))
        fields.append(number(f"{name}.n", translate("step.field.score"), least, most=100))
    return fields


def conditions_of(form: Mapping[str, str]) -> list[str]:
    """The conditions that were chosen."""
    found = []
    for row in range(MOST_ROWS):
        value = form.get(f"condition.{row}", "")
        if value.partition(":")[0] in OF_SCORES:
            value = f"{value}:{form.get(f'condition.{row}.n', '').strip()}"
        if value:
            found.append(value)
    return found


_CLASSES = ("of-class", "not-of-class")


def _scores(entry: Entry) -> list[tuple[str, str]]:
    programmes = {step.programme for step in entry.steps if isinstance(step, Score)} | {_PROGRAMME}
    return [(kind, programme) for kind in sorted(OF_SCORES) for programme in sorted(programmes)]


def _of_messages(before: Sequence[Step]) -> list[str]:
    messages = [step for step in before if isinstance(step, Message)]
    codes = dict.fromkeys(step.voucher.name for step in messages if step.voucher is not None)
    asked = [f"{kind}:{step.name}" for step in messages for kind in ("left", "not-clicked")]
    return [*asked, *(f"code-unused:{name}" for name in codes)]


def _parted(condition: str) -> tuple[str, str]:
    """A score's number stands in a field of its own."""
    if condition.partition(":")[0] in OF_SCORES:
        value, _, least = condition.rpartition(":")
        return value, least
    return condition, ""


def _is_missing(value: str, choices: Choices) -> bool:
    return bool(value) and value not in {name for name, _ in choices}
