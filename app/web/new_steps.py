"""Steps that are not there yet: where one would stand, and what its form begins with."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from app.errors import BadInput, NotFound
from app.flows import changing, drafts, guards, own_messages
from app.flows.definition import Entry
from app.flows.drafts import Desk
from app.flows.steps import Step
from app.messaging import senders
from app.models import Store
from app.web.step_forms import Place

_STEP: TypeAdapter[Step] = TypeAdapter(Step)
_ELSEWHERE = "https://example.com/"
LEFT_OPEN = frozenset({"add", "url"})
"""Fields that a fresh step fills so that its checks take it: what goes there is the merchant's to say."""


def place_for(session: Session, desk: Desk, store: Store, asked: Mapping[str, str]) -> Place:
    """The flow with a fresh step of a kind behind another one; what it says is for the form to change.

    Raises:
        BadInput: no such kind may be added.
        NotFound: there is no such way, or no such step in it.
    """
    kind = asked.get("kind", "")
    if kind not in guards.OWN:
        raise BadInput("there is no such kind of step", "kind")
    way = next((one for one in desk.current.entries if one.id == asked.get("way")), None)
    if way is None:
        raise NotFound("this flow has no such way in")
    after = asked.get("after", "")
    if kind == "message":
        name = drafts.new_message_name(session, store.id, desk)
        fresh: Step = own_messages.message(desk.origin.key, _as_it_came(desk, way), name)
    else:
        fresh = _fresh(kind, changing.new_id(desk.current, kind), _next(way, after))
    definition = changing.with_new(desk.current, way.id, fresh, after)
    can_text = senders.can_text(session, store.id)
    return Place(desk.origin, definition, changing.entry_of(definition, fresh.id), fresh, store, can_text)


def _as_it_came(desk: Desk, way: Entry) -> Entry:
    """A way as the recipe has it; a flow keeps those that it came with."""
    return next(one for one in desk.origin.entries if one.id == way.id)


def _next(way: Entry, after: str) -> str:
    """The step that the new one would stand before; the last one, where it would be the last."""
    ids = [step.id for step in way.steps]
    if after and after not in ids:
        raise NotFound("this flow has no such step")
    place = ids.index(after) + 1 if after else 0
    return ids[min(place, len(ids) - 1)]


def _fresh(kind: str, step_id: str, following: str) -> Step:
    """A step that its own checks take, so that its form can be drawn."""
    begins: Mapping[str, dict[str, Any]] = {
        "wait": {"anchor": "entered", "days": 1},
        "wait-event": {"event": "order.placed", "days": 3, "came": following},
        "split": {"condition": "of-class:repeat", "then": following},
        "arms": {"arms": [{"name": name, "weight": 50, "then": following} for name in ("A", "B")]},
        "tag": {"add": ["tag"]},
        "score": {"points": 10},
        "webhook": {"url": _ELSEWHERE},
        "end": {},
    }
    return _STEP.validate_python({"kind": kind, "id": step_id, **begins[kind]})
