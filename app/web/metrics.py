"""What Prometheus reads: queues, ages and lags, straight from the tables."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import InboundEvent, Message, MessageAttempt, ScheduledJob, Store, TimerCursor
from app.models.inbound_event import DEAD, RETRYING, WAITING
from app.models.message import QUEUED, UNKNOWN
from app.web.context import literals
from connectors.base import Outcome

_RECENT = timedelta(hours=1)


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
        yield self._stores()
        yield self._flows()
        yield self._jobs()

    def _inbox(self) -> Iterator[Metric]:
        counts = GaugeMetricFamily("ritorno_inbox_events", "inbound events by status", labels=["status"])
        waiting = select(func.count(), func.min(InboundEvent.received_at)).where(
            InboundEvent.status.in_(literals((WAITING, RETRYING)))
        )
        count, oldest = self._session.execute(waiting).one()
        dead = select(func.count()).where(InboundEvent.status.in_(literals((DEAD,))))
        counts.add_metric(["waiting"], count)
        counts.add_metric(["dead"], self._session.execute(dead).scalar_one())
        yield counts
        yield _gauge(
            "ritorno_inbox_oldest_waiting_seconds", "the oldest waiting event's age", self._age(oldest)
        )

    def _messages(self) -> Iterator[Metric]:
        counts = GaugeMetricFamily("ritorno_messages", "messages by status", labels=["status"])
        by_status = dict.fromkeys((QUEUED, UNKNOWN), 0)
        rows = self._session.execute(select(Message.status, func.count()).group_by(Message.status))
        by_status |= dict(rows.all())
        for status, count in sorted(by_status.items()):
            counts.add_metric([status], count)
        yield counts
        due = select(func.min(Message.due_at)).where(
            Message.status.in_(literals((QUEUED,))), Message.next_at <= self._now
        )
        oldest = self._session.execute(due).scalar_one()
        yield _gauge(
            "ritorno_messages_oldest_due_seconds", "age of the oldest due message", self._age(oldest)
        )
        yield _gauge("ritorno_messages_unknown", "messages whose outcome is unknown", by_status[UNKNOWN])

    def _calls(self) -> Iterator[Metric]:
        """The last hour's calls to providers; each store's are a range of an index: no other call is read."""
        stores = select(Store.id).scalar_subquery()
        recent = (MessageAttempt.store_id.in_(stores), MessageAttempt.started_at > self._now - _RECENT)
        by_outcome = select(MessageAttempt.outcome, func.count()).where(*recent)
        calls = GaugeMetricFamily("ritorno_calls_last_hour", "calls by outcome", labels=["outcome"])
        for outcome, count in self._session.execute(by_outcome.group_by(MessageAttempt.outcome)):
            calls.add_metric([outcome or "open"], count)
        yield calls
        twice = (
            select(MessageAttempt.message_id)
            .where(*recent, MessageAttempt.outcome == Outcome.ACCEPTED.value)
            .group_by(MessageAttempt.store_id, MessageAttempt.message_id)
            .having(func.count() > 1)
        )
        doubled = self._session.execute(select(func.count()).select_from(twice.subquery())).scalar_one()
        yield _gauge("ritorno_messages_accepted_twice", "of the last hour's messages; never but 0", doubled)

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

    def _age(self, moment: datetime | None) -> float:
        """Seconds since then; nothing, and what lies ahead, is no age at all."""
        return max(0.0, (self._now - moment).total_seconds()) if moment else 0.0


def _gauge(name: str, text: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, text)
    family.add_metric([], value)
    return family
