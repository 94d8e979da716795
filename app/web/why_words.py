"""The answer to "why did she not get it?" in the merchant's words, and as JSON for programs."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.flows.findings import WAITING, Finding
from app.flows.why import Answer, Look, Told
from app.models.message import LEFT_STATES
from app.web.api import shapes
from app.web.catalogue import translate, word
from app.web.formats import moment
from app.web.timeline_words import step_value

_STEP_FIELDS = ("step", "verdict", "reason", "value")


def sentences(answer: Answer) -> list[str]:
    """What became of the day's messages, then every reason; one sentence each."""
    return [*(about(told, answer) for told in answer.messages), *reasons(answer)]


def reasons(answer: Answer) -> list[str]:
    """Every finding as a sentence; what is true of several journeys alike is said once, with their number."""
    told = Counter(said(one, answer) for one in answer.findings)
    return [text if n == 1 else f"{text} {translate('why.times', n=n)}" for text, n in told.items()]


def order_of(told: Told, answer: Answer) -> str:
    """The number of the order that a message is about; "" where it is about none."""
    subjects = {row.id: row.subject for row in answer.enrollments}
    return answer.numbers.get(subjects.get(told.row.enrollment_id, ""), "")


def about(told: Told, answer: Answer) -> str:
    """What became of one message, and how it stood at the end of that day if that was different."""
    row = told.row
    number = order_of(told, answer)
    channel = word("channel", row.channel)
    if number:
        channel = translate("why.message.for_order", channel=channel, number=number)
    values = {"step": word("step", row.step), "channel": channel}
    if row.status in LEFT_STATES:
        text = translate("why.message.sent", moment=moment(row.sent_at), **values)
    elif row.status == "queued" and row.reason:
        reason = word("reason", row.reason)
        text = translate("why.message.waits", moment=moment(row.next_at), reason=reason, **values)
    elif row.status in WAITING:
        text = translate("why.message.open", status=word("status", row.status), **values)
    else:
        text = translate("why.message.stayed", reason=_reason(told), **values)
    put_off = next((look for look in told.looks if look.verdict == "postpone"), None)
    if put_off is None or row.status == "queued":
        return text
    when, why = moment(put_off.decided_at), _why(put_off)
    return f"{text} {translate('why.message.put_off', moment=when, reason=why)}"


def said(finding: Finding, answer: Answer) -> str:
    """One reason as a sentence, after one that says which journey it is about."""
    if finding.since is None or finding.code in _OF_ALL:
        return _sentence(finding)
    number = answer.numbers.get(finding.subject)
    values = {"since": moment(finding.since), "number": number or ""}
    journey = translate("why.order" if number else "why.in", **values)
    return journey if finding.code == "entered" else f"{journey} {_sentence(finding)}"


_OF_ALL = frozenset({"held-out"})
"""What tells its own moment already."""


def _sentence(finding: Finding) -> str:
    key = f"why.{finding.code}"
    if finding.code == "off-then" and finding.until is None:
        key = "why.off-then.still"
    return translate(
        key,
        at=moment(finding.at),
        until=moment(finding.until),
        **_words(finding),
        **{name: str(value) for name, value in finding.numbers.items()},
    )


def shape(answer: Answer) -> dict[str, Any]:
    """The answer as JSON: codes and moments for programs, `text` for people."""
    return {
        "customer_id": answer.customer_id,
        "flow": answer.flow_key,
        "on": answer.on.isoformat(),
        "begin": shapes.moment(answer.begin),
        "end": shapes.moment(answer.end),
        "messages": [_message(told, answer) for told in answer.messages],
        "enrollments": [_enrollment(row) for row in answer.enrollments],
        "findings": [_finding(one, answer) for one in answer.findings],
        "text": " ".join(sentences(answer)),
    }


def _words(finding: Finding) -> dict[str, str]:
    """The finding's word of ours in the reader's language, by the name that its sentence gives it."""
    what, _, condition = finding.what.partition("|")
    if finding.code in ("skipped", "guard"):
        shown = word("step" if finding.code == "skipped" else "event", what)
        return {"what": shown, "condition": step_value(condition)}
    if finding.code in ("next", "waits"):
        return {"what": word("step", what) if what else translate("why.some_message")}
    for kind in ("event", "reason"):
        named = word(kind, what)
        if named != what:
            return {"what": named}
    return {"what": what}


def _reason(told: Told) -> str:
    """Why it stayed home, with what the deciding step saw where that says more."""
    latest = next((look for look in told.looks if look.verdict == "stop"), None)
    if latest is not None:
        return _why(latest)
    return word("reason", told.row.reason or told.row.status)


def _why(look: Look) -> str:
    reason = word("reason", look.reason or "")
    value = look.steps[-1].get("value") if look.steps else None
    detail = step_value(value, str(look.steps[-1].get("step"))) if value else ""
    return f"{reason} ({detail})" if detail and detail.casefold() != reason.casefold() else reason


def _message(told: Told, answer: Answer) -> dict[str, Any]:
    row = told.row
    moments = {name: shapes.moment(getattr(row, name)) for name in _MOMENTS}
    return {
        "id": row.id,
        "step": row.step,
        "channel": row.channel,
        "status": row.status,
        "reason": row.reason,
        **moments,
        "decisions": [
            {
                "decided_at": shapes.moment(look.decided_at),
                "verdict": look.verdict,
                "reason": look.reason,
                "steps": [{name: step.get(name) for name in _STEP_FIELDS} for step in look.steps],
            }
            for look in told.looks
        ],
        "text": about(told, answer),
    }


_MOMENTS = ("due_at", "expires_at", "next_at", "sent_at")


def _enrollment(row: Any) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in ("id", "occurrence", "state", "step", "exit_reason")}
    moments = ("entered_at", "due_at", "stopped_at", "ended_at")
    return shown | {name: shapes.moment(getattr(row, name)) for name in moments}


def _finding(finding: Finding, answer: Answer) -> dict[str, Any]:
    what, _, condition = finding.what.partition("|")
    return {
        "code": finding.code,
        "at": shapes.moment(finding.at),
        "until": shapes.moment(finding.until),
        "since": shapes.moment(finding.since),
        "subject": finding.subject or None,
        "what": what or None,
        "condition": condition or None,
        **dict(_numbers(finding)),
        "text": said(finding, answer),
    }


def _numbers(finding: Finding) -> Iterator[tuple[str, int | None]]:
    for name in ("number", "percent", "days", "median_days", "gaps"):
        yield name, finding.numbers.get(name)
