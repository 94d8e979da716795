"""What Prometheus reads: queues, ages and lags, straight from the tables.

A scrape reads what is under way and what the last hour brought, by ranges of indexes, store by store: it
costs the same however many messages left before. What ended is told by the hour, not by all there ever was.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import ScalarSelect, Select, bindparam, func, literal, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from app import job_runs
from app.db import UtcDateTime, is_one_of
from app.inbox import NOBODY
from app.models import (
    DeliveryEvent,
    InboundEvent,
    Message,
    MessageAttempt,
    ScheduledJob,
    SetAside,
    Store,
    TimerCursor,
)
from app.models.inbound_event import DEAD, OPEN
from app.models.message import HELD, OPEN_STATES, QUEUED, UNKNOWN
from connectors.base import Outcome

_RECENT = timedelta(hours=1)
_UNDER_WAY = (*OPEN_STATES, HELD, UNKNOWN)
"""The states that are no end."""


def render(session: Session, now: datetime) -> bytes:
    """The Prometheus text of this moment."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Tables(session, now))
    return generate_latest(registry)


class _Tables(Collector):
    """Reads each figure once per scrape."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Every figure in turn."""
        yield from self._inbox()
        yield from self._messages()
        yield from self._calls()
        yield self._reports()
        yield self._stores()
        yield self._flows()
        yield self._jobs()
        yield self._failed()
        yield self._asides()

    def _inbox(self) -> Iterator[Metric]:
        counts = GaugeMetricFamily("ritorno_inbox_events", "inbound events by status", labels=["status"])
        waiting, oldest = self._session.execute(_WAITING).one()
        counts.add_metric(["waiting"], waiting)
        counts.add_metric(["dead"], self._session.execute(_DEAD_ONES).scalar_one() or 0)
        yield counts
        yield _gauge(
            "ritorno_inbox_oldest_waiting_seconds", "the oldest waiting event's age", self._age(oldest)
        )

    def _messages(self) -> Iterator[Metric]:
        counts = GaugeMetricFamily("ritorno_messages", "messages under way, by status", labels=["status"])
        *numbers, oldest = self._session.execute(_MESSAGES, {"now": self._now}).one()
        by_status = {status: number or 0 for status, number in zip(_UNDER_WAY, numbers, strict=True)}
        for status, count in sorted(by_status.items()):
            counts.add_metric([status], count)
        yield counts
        yield _gauge(
            "ritorno_messages_oldest_due_seconds", "age of the oldest due message", self._age(oldest)
        )
        yield _gauge("ritorno_messages_unknown", "messages whose outcome is unknown", by_status[UNKNOWN])

    def _calls(self) -> Iterator[Metric]:
        """The last hour's calls to providers; each store's are a range of an index: no other call is read."""
        recent = (MessageAttempt.store_id.in_(_STORES), MessageAttempt.started_at > self._now - _RECENT)
        by_outcome = select(MessageAttempt.outcome, func.count()).where(*recent)
        calls = GaugeMetricFamily("ritorno_calls_last_hour", "calls by outcome", labels=["outcome"])
        for outcome, count in self._session.execute(by_outcome.group_by(MessageAttempt.outcome)):
            calls.add_metric([outcome or "open"], count)
        yield calls
        twice = (
            select(MessageAttempt.message_id)
            .where(*recent, MessageAttempt.outcome == Outcome.ACCEPTED.value)
            # By the message alone, which is of one store: grouped as an index has them SQLite would read all.
            .group_by(MessageAttempt.message_id)
            .having(func.count() > 1)
        )
        doubled = self._session.execute(select(func.count()).select_from(twice.subquery())).scalar_one()
        yield _gauge("ritorno_messages_accepted_twice", "of the last hour's messages; never but 0", doubled)

    def _reports(self) -> Metric:
        """What became of messages by the word of the providers, in the last hour."""
        reports = GaugeMetricFamily("ritorno_reports_last_hour", "what providers told", labels=["kind"])
        by_kind = (
            select(DeliveryEvent.type, func.count())
            .where(DeliveryEvent.store_id.in_(_STORES), DeliveryEvent.occurred_at > self._now - _RECENT)
            .group_by(DeliveryEvent.type)
        )
        for kind, count in self._session.execute(by_kind.order_by(DeliveryEvent.type)):
            reports.add_metric([kind], count)
        return reports

    def _stores(self) -> Metric:
        counts = GaugeMetricFamily("ritorno_stores", "stores by state", labels=["state"])
        by_state = select(Store.state, func.count()).group_by(Store.state)
        for state, count in self._session.execute(by_state.order_by(Store.state)):
            counts.add_metric([state], count)
        return counts

    def _flows(self) -> Metric:
        due = self._session.execute(select(func.min(TimerCursor.next_due_at))).scalar_one()
        return _gauge("ritorno_flows_lag_seconds", "how late the oldest due timer is", self._age(due))

    def _jobs(self) -> Metric:
        ages = GaugeMetricFamily("ritorno_job_age_seconds", "time since the job last ran", labels=["job"])
        jobs = select(ScheduledJob.name, ScheduledJob.last_run_at).where(
            ScheduledJob.last_run_at.is_not(None)
        )
        for name, last_run_at in self._session.execute(jobs.order_by(ScheduledJob.name)):
            ages.add_metric([name], self._age(last_run_at))
        return ages

    def _failed(self) -> Metric:
        failed = GaugeMetricFamily("ritorno_job_failed", "1: its last run failed for a store", labels=["job"])
        for name, error in job_runs.last_runs(self._session).items():
            failed.add_metric([name], float(error is not None))
        return failed

    def _asides(self) -> Metric:
        """Those of all stores are few: what fails by itself is a mistake of ours."""
        aside = GaugeMetricFamily("ritorno_set_aside", "people and orders a job fails at", labels=["job"])
        counted = select(SetAside.work, func.count()).group_by(SetAside.work).order_by(SetAside.work)
        for work, count in self._session.execute(counted):
            aside.add_metric([work], count)
        return aside

    def _age(self, moment: datetime | None) -> float:
        """Seconds since then; nothing, and what lies ahead, is no age at all."""
        return max(0.0, (self._now - moment).total_seconds()) if moment else 0.0


def _gauge(name: str, text: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, text)
    family.add_metric([], value)
    return family


_STORES = select(Store.id).scalar_subquery()
_PLACES = select(Store.id).union_all(select(literal(NOBODY))).subquery("places")
"""The stores, and where deliveries of unknown shops lie."""


def _of_store(what: ColumnElement[Any], *conditions: ColumnElement[bool]) -> ScalarSelect[Any]:
    """Asked for each store by itself, so that both engines follow an index that leads with the store."""
    mine = select(what).select_from(Message).where(Message.store_id == Store.id, *conditions)
    return mine.correlate(Store).scalar_subquery()


def _messages_of_all() -> Select[Any]:
    counts = [
        _of_store(func.count(), is_one_of(Message.status, (status,))).label(status) for status in _UNDER_WAY
    ]
    due = (is_one_of(Message.status, OPEN_STATES), is_one_of(Message.status, (QUEUED,)))
    is_due = Message.next_at <= bindparam("now", type_=UtcDateTime)
    oldest = _of_store(func.min(Message.due_at), *due, is_due).label("oldest")
    each = select(*counts, oldest).select_from(Store).subquery("each_store")
    return select(*(func.sum(each.c[status]) for status in _UNDER_WAY), func.min(each.c.oldest))


_MESSAGES = _messages_of_all()
_WAITING = select(func.count(), func.min(InboundEvent.received_at)).where(
    is_one_of(InboundEvent.status, OPEN)
)
_DEAD_ONES = select(
    func.sum(
        select(func.count())
        .select_from(InboundEvent)
        .where(InboundEvent.store_id == _PLACES.c.id, is_one_of(InboundEvent.status, (DEAD,)))
        .correlate(_PLACES)
        .scalar_subquery()
    )
).select_from(_PLACES)
