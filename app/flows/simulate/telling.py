"""A dry run's report as JSON and as lines for a terminal."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from app.errors import BadInput
from app.flows import backlog
from app.flows.moments import end_of_day, local_date
from app.flows.simulate.question import Question, Report, WouldBe
from app.messaging import zones
from app.models import Store

DAYS = 90
_LONGEST = timedelta(days=3 * 366)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """What is replayed: from the begin, which lies in it, to the end."""

    begin: datetime
    end: datetime


def span_of(store: Store, since: str | None, until: str | None, *, now: datetime) -> Span:
    """The span between two days of the store's zone, both whole; by default the last 90 days up to now.

    Raises:
        BadInput: it is no day, or the span ends before it begins or is longer than three years.
    """
    zone = zones.zone_named(store.timezone)
    end = min(now, end_of_day(_day(until, "until"), zone)) if until else now
    begin = end - timedelta(days=DAYS)
    if since:
        begin = end_of_day(_day(since, "since") - timedelta(days=1), zone)
    if not begin < end <= begin + _LONGEST:
        raise BadInput("a dry run covers a moment that has passed and three years at the most", "since")
    return Span(begin, end)


def ahead_of(now: datetime, days: int) -> Span:
    """The days to come, as they would be if it were switched on now and nobody did anything.

    Raises:
        BadInput: so far ahead nothing can be told, or it is no day at all.
    """
    if not 0 < days <= DAYS:
        raise BadInput(f"a dry run looks between one and {DAYS} days ahead", "ahead")
    return Span(now, now + timedelta(days=days))


def shape(question: Question, report: Report, *, most: int | None = None) -> Json:
    """The report as JSON.

    Args:
        most: how many messages are listed, all if None; the counts are over all of them.
    """
    listed = report.messages if most is None else report.messages[:most]
    return {
        "flow": question.flow_key,
        "since": question.since.isoformat(),
        "until": question.until.isoformat(),
        "beside": sorted(key for key in question.flows if key != question.flow_key),
        "ledger_since": question.covered_since.isoformat(),
        "people": report.people,
        "enrolled": report.enrolled,
        "held_out": report.held_out,
        "messages": [_message(message) for message in listed],
        "counts": counts(report),
        "steps": _by_step(report),
        "reasons": reasons(report),
        "forgotten_baskets": report.forgotten_baskets,
        "silent_before": report.silent_before,
        "release": _release(question, report, most=most),
        "consent_assumed": sum(message.is_assumed for message in report.messages),
        "vouchers": {
            "n": report.vouchers,
            "cost": {"minor": round(report.vouchers_cost), "currency": question.store.currency},
        },
    }


def told(shown: Mapping[str, Any]) -> str:
    """The JSON's figures in lines; the messages themselves are asked for with --json."""
    cost = shown["vouchers"]["cost"]
    lines = [
        f"{shown['flow']}, {shown['since']} to {shown['until']}",
        f"  {shown['people']} people in {shown['seconds']} s",
        f"  enrolled {shown['enrolled']}, held out {shown['held_out']}",
        *(f"  {step:8} {_figures(found)}" for step, found in shown["steps"].items()),
        *(f"  not sent: {reason} {n}" for reason, n in shown["reasons"].items()),
        f"  codes {shown['vouchers']['n']}, at most {cost['minor']} {cost['currency']} (minor units)",
    ]
    if shown["consent_assumed"]:
        lines.append(f"  consent taken back from a later entry: {shown['consent_assumed']}")
    if shown["forgotten_baskets"]:
        lines.append(f"  not replayed, for baskets that are kept no longer: {shown['forgotten_baskets']}")
    if shown["silent_before"]:
        plan = shown["release"]
        lines.append(
            f"  silent before already: {shown['silent_before']}, "
            f"of whom {plan['a_day']} a day begins: {plan['begun']} in this span, all in {plan['days']} days"
        )
    return "\n".join(lines)


def counts(report: Report) -> dict[str, int]:
    """How many messages would have ended in each status."""
    return dict(sorted(Counter(message.status for message in report.messages).items()))


def reasons(report: Report) -> dict[str, int]:
    """How many did not leave for which reason."""
    return dict(Counter(one.reason for one in report.messages if one.reason is not None).most_common())


def _release(question: Question, report: Report, *, most: int | None) -> Json | None:
    """How those who were silent before are let in: who on which day, to get what; None where nobody was."""
    if not (report.silent_before or report.released):
        return None
    zone = zones.zone_named(question.store.timezone)
    begun = [(one.customer_id, local_date(one.at, zone).isoformat()) for one in report.released]
    listed = begun[:most]
    messages: dict[int, list[Json]] = {customer_id: [] for customer_id, _ in listed}
    for message in report.messages:
        if message.customer_id in messages:
            messages[message.customer_id].append(_message(message))
    a_day = backlog.share_of(report.reachable)
    return {
        "a_day": a_day,
        "days": -(-report.silent_before // a_day),
        "begun": len(begun),
        "by_day": dict(sorted(Counter(day for _, day in begun).items())),
        "people": [{"customer": id_, "on": day, "messages": messages[id_]} for id_, day in listed],
    }


def _by_step(report: Report) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for message in report.messages:
        found.setdefault(message.step, Counter())[message.status] += 1
    return {step: dict(sorted(count.items())) for step, count in sorted(found.items())}


def _figures(found: Mapping[str, int]) -> str:
    return ", ".join(f"{status} {n}" for status, n in found.items())


def _message(message: WouldBe) -> Json:
    return {
        "customer": message.customer_id,
        "step": message.step,
        "channel": message.channel,
        "due_at": message.due_at.isoformat(),
        "status": message.status,
        "reason": message.reason,
        "sent_at": message.sent_at.isoformat() if message.sent_at else None,
        "consent_assumed": message.is_assumed,
    }


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no day like 2026-11-02", name) from error
