"""What was typed into the form of a step, read as a step; and what is wrong with it, field by field."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError
from werkzeug.datastructures import MultiDict

from app.flows import changing
from app.flows.checks import Wrong
from app.flows.definition import Definition
from app.flows.steps import LONGEST_WAIT, Message, Step
from app.web import step_conditions, step_words
from app.web.catalogue import CATALOGUES, language, translate, word
from app.web.step_forms import MOST_ARMS, Place

Typed = MultiDict[str, str]
Values = dict[str, Any]
_STEP: TypeAdapter[Step] = TypeAdapter(Step)
_LARGEST = 10**6
"""Numbers beyond it are refused by every field alike."""
_FIELD_OF = {"days": "amount", "hours": "amount", "came": "then"}
_BLAMED = {"tag": "add", "webhook": "url", "wait-event": "amount"}
"""The field beside which stands what is wrong with a whole step of a kind."""


@dataclass(slots=True)
class Read:
    """The flow with the step as it was typed, or what is wrong with it by field."""

    changed: Definition | None = None
    errors: dict[str, str] = field(default_factory=dict)


def read(place: Place, typed: Typed) -> Read:
    """The flow with what was typed into a step's form in place of the step."""
    errors: dict[str, str] = {}
    values = _READERS.get(place.step.kind, _nothing)(place, typed, errors)
    if errors:
        return Read(errors=errors)
    try:
        step = _STEP.validate_python({**place.step.model_dump(mode="json"), **values})
    except ValidationError as error:
        return Read(errors=_invalid(place.step.kind, error))
    changed = changing.with_step(place.definition, step)
    if isinstance(step, Message) and step.voucher is not None and "code_days" in typed:
        days = _whole(typed, "code_days", errors)
        changed = changing.with_code_days(changed, step.id, step.voucher.ends_at, days)
    return Read(errors=errors) if errors else Read(changed)


def told(problems: list[Wrong], step_id: str, definition: Definition) -> dict[str, str]:
    """What is wrong with an edited flow, by the field of this step's form; of other steps by their names."""
    found: dict[str, str] = {}
    for wrong in problems:
        text = sentence(wrong, definition)
        if wrong.step in (step_id, "") or wrong.field == "code_days":
            found.setdefault(_FIELD_OF.get(wrong.field, wrong.field), text)
        else:
            step = changing.entry_of(definition, wrong.step).by_id[wrong.step]
            found.setdefault(f"of {wrong.step}", f"{step_words.name_of(step)}: {text}")
    return found


def sentence(wrong: Wrong, definition: Definition) -> str:
    """What is wrong, in the merchant's words."""
    steps = {step.id: step for entry in definition.entries for step in entry.steps}
    detail = (
        step_words.name_of(steps[wrong.detail]) if wrong.detail in steps else word("anchor", wrong.detail)
    )
    return translate(f"step.wrong.{wrong.code}", detail=detail)


def refusal(problems: list[Wrong], definition: Definition) -> str:
    """Why a change by a button cannot be made."""
    told_of = {step.id: step for entry in definition.entries for step in entry.steps}
    wrong = problems[0]
    text = sentence(wrong, definition)
    return f"{step_words.name_of(told_of[wrong.step])}: {text}" if wrong.step in told_of else text


def _wait(place: Place, typed: Typed, errors: dict[str, str]) -> Values:
    if "unit" not in typed:
        return {"days": _whole(typed, "amount", errors)}
    amount = _whole(typed, "amount", errors) * (-1 if typed.get("side") == "before" else 1)
    at = typed.get("at", "").strip()
    is_hours = typed.get("unit") == "hours"
    if at and is_hours:
        errors["at"] = translate("step.error.wait.at_hours")
    anchor = typed.get("anchor", "")
    own: Values = {"days": 0, "hours": 0, ("hours" if is_hours else "days"): amount}
    return own | {"at": at or None, "anchor": anchor}


def _wait_for(_place: Place, typed: Typed, errors: dict[str, str]) -> Values:
    return {name: _whole(typed, name, errors) for name in ("days_home", "days_abroad")}


def _wait_event(_place: Place, typed: Typed, errors: dict[str, str]) -> Values:
    amount = _whole(typed, "amount", errors)
    span = {"days": 0, "hours": 0, ("hours" if typed.get("unit") == "hours" else "days"): amount}
    return {**span, "event": typed.get("event", ""), "came": typed.get("then", "")}


def _split(_place: Place, typed: Typed, errors: dict[str, str]) -> Values:
    chosen = step_conditions.conditions_of(typed)
    if not chosen:
        errors["condition.0"] = translate("step.error.split.condition")
    return {"condition": next(iter(chosen), ""), "then": typed.get("then", "")}


def _arms(_place: Place, typed: Typed, errors: dict[str, str]) -> Values:
    rows = []
    for number in range(MOST_ARMS):
        start = f"arms.{number}"
        name = typed.get(f"{start}.name", "").strip()
        if name:
            weight = _whole(typed, f"{start}.weight", errors)
            rows.append({"name": name[:_LONGEST], "weight": weight, "then": typed.get(f"{start}.then", "")})
    return {"arms": rows}


def _tag(_place: Place, typed: Typed, _errors: dict[str, str]) -> Values:
    return {name: [one.strip() for one in typed.get(name, "").split(",") if one.strip()] for name in _TAGS}


def _score(_place: Place, typed: Typed, errors: dict[str, str]) -> Values:
    return {"points": _whole(typed, "points", errors), "programme": typed.get("programme", "").strip()}


def _webhook(_place: Place, typed: Typed, _errors: dict[str, str]) -> Values:
    return {"url": typed.get("url", "").strip()}


def _message(place: Place, typed: Typed, errors: dict[str, str]) -> Values:
    step = place.step
    values: Values = {"is_on": bool(typed.get("is_on"))}
    if place.channels:
        values["channel"] = typed.get("channel") or place.channels[0]
    values["only_if"] = [*place.asked_by_recipe, *step_conditions.conditions_of(typed)]
    if isinstance(step, Message) and step.voucher is not None and "percent" in typed:
        percent = _whole(typed, "percent", errors)
        least = step_words.least_percent(step.voucher)
        if not least <= percent <= _WHOLE:
            errors.setdefault("percent", translate("step.error.percent", least=least))
        is_the_settings = percent == step_words.percent_of(
            step.voucher.model_copy(update={"percent": None}), place.store
        )
        # A percentage that is the settings' own follows the settings from now on.
        values["voucher"] = step.voucher.model_dump() | {"percent": None if is_the_settings else percent}
    return values


def _nothing(_place: Place, _typed: Typed, _errors: dict[str, str]) -> Values:
    return {}


_READERS: Mapping[str, Callable[[Place, Typed, dict[str, str]], Values]] = {
    "wait": _wait,
    "wait-for": _wait_for,
    "wait-event": _wait_event,
    "split": _split,
    "arms": _arms,
    "tag": _tag,
    "score": _score,
    "webhook": _webhook,
    "message": _message,
}
_TAGS = ("add", "remove")
_LONGEST = 40
_WHOLE = 100


def _whole(typed: Typed, name: str, errors: dict[str, str]) -> int:
    text = typed.get(name, "").strip()
    digits = text.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or int(digits[:10]) > _LARGEST:
        errors[name] = translate("step.error.number")
        return 0
    return int(text)


def _invalid(kind: str, error: ValidationError) -> dict[str, str]:
    """A sentence beside each field that the step's own checks refuse; the first element names the kind."""
    found: dict[str, str] = {}
    for one in error.errors():
        path = [str(part) for part in one["loc"][1:]] or [_BLAMED.get(kind, "")]
        name = ".".join(path)
        found.setdefault(_FIELD_OF.get(name, name), _refusal(kind, path[-1]))
    return found


def _refusal(kind: str, name: str) -> str:
    key = f"step.error.{kind}.{_FIELD_OF.get(name, name)}"
    known = key if key in CATALOGUES[language()] else "step.error.value"
    return translate(known, most=LONGEST_WAIT)
