"""Dry runs that screens asked for, one at a time, with their progress on the row."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from app.errors import AppError
from app.flows import drafts, rehearsals
from app.flows.rehearsals import Held
from app.flows.simulate import run as simulation
from app.flows.simulate import telling
from app.flows.simulate.question import Question
from app.models import Store
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit

MOST_LISTED = 50
"""How many messages the screen shows."""


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Replay the longest waiting one, if there is any."""
    with kit.database.over_all_stores().read() as session:
        if not rehearsals.is_waiting(session):
            return Counter()
    with kit.database.over_all_stores().write() as session:
        held = rehearsals.claim(session)
    if held is None:
        return Counter()
    if held.row.attempts >= rehearsals.MOST_ATTEMPTS:
        result: Failed | None = Failed(AppError(), "the worker ended in the middle of it each time", "")
    else:
        result = run_guarded(partial(_replay, kit, held, now), store=held.row.store_id)
    if isinstance(result, Failed) and not isinstance(result.error, _Stopped):
        with kit.database.of_store(held.row.store_id).write() as session:
            rehearsals.fail(session, held, result.summary, now)
    return Counter(rehearsals=1)


class _Stopped(AppError):
    """It was asked for anew, or the worker ends."""


def _replay(kit: Kit, held: Held, now: datetime) -> None:
    def tell(done: int, total: int) -> None:
        with kit.database.of_store(held.row.store_id).write() as session:
            is_ours = rehearsals.move(session, held, done=done, total=total)
        if not is_ours or kit.stopping.is_set():
            raise _Stopped("the dry run was asked for anew, or the worker ends")

    row = held.row
    with kit.database.of_store(row.store_id).read() as session:
        question, revision = _question(session, row)
    report = simulation.simulate(kit.database.of_store(row.store_id), kit.runtime.signer, question, tell)
    with kit.database.of_store(row.store_id).write() as session:
        result = telling.shape(question, report, most=MOST_LISTED) | {"revision": revision}
        rehearsals.finish(session, held, result, now)


def _question(session: Session, row: Any) -> tuple[Question, int | None]:
    """What is asked, and of which revision of the draft; a draft stands in the place of what holds now."""
    store = session.get_one(Store, row.store_id)
    question = simulation.ask(session, store, row.flow_key, since=row.begin, until=row.end)
    if not row.is_draft:
        return question, None
    desk = drafts.desk(session, store.id, row.flow_key)
    tried = replace(question.flows[row.flow_key], definition=desk.current)
    return replace(question, flows={**question.flows, row.flow_key: tried}), desk.revision
