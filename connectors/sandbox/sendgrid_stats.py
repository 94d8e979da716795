"""The emulated SendGrid's statistics: what the account sent day by day.

Source: twilio/sendgrid-oai, tsg_stats_v3 (January 2026): GET /v3/stats, days with their metrics.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from flask import Response

from connectors.sandbox.moments import aware
from connectors.sandbox.provider_config import SENDGRID
from connectors.sandbox.sendgrid_calls import Call, answer, refuse_plainly

_METRICS = (
    *("blocks", "bounce_drops", "bounces", "clicks", "deferred", "delivered", "invalid_emails", "opens"),
    *("processed", "requests", "spam_report_drops", "spam_reports", "unique_clicks", "unique_opens"),
    *("unsubscribe_drops", "unsubscribes"),
)
_DAY = timedelta(days=1)


def show_stats(call: Call) -> Response:
    """GET /v3/stats?start_date=&end_date=&aggregated_by=day; weeks and months are not emulated."""
    today = aware(call.providers.now()).date()
    try:
        start = date.fromisoformat(call.query.get("start_date", ""))
        end = min(date.fromisoformat(call.query.get("end_date", today.isoformat())), today)
    except ValueError:
        return refuse_plainly(400, "date must be in the format YYYY-MM-DD", "start_date")
    if call.query.get("aggregated_by", "day") != "day":
        return refuse_plainly(400, "the sandbox groups by day alone", "aggregated_by")
    accepted = _accepted(call)
    earlier = call.providers.settings.delivered_before
    return answer(
        [
            {
                "date": day.isoformat(),
                "stats": [{"metrics": _metrics(accepted[day] + earlier * (day < today))}],
            }
            for day in _days(start, end)
        ]
    )


def _accepted(call: Call) -> Counter[date]:
    """Mails that were accepted, by day; all of them count as delivered."""
    lines = call.providers.log.find(provider=SENDGRID)
    return Counter(aware(line["accepted_at"]).date() for line in lines)


def _metrics(count: int) -> dict[str, int]:
    return dict.fromkeys(_METRICS, 0) | dict.fromkeys(("requests", "processed", "delivered"), count)


def _days(start: date, end: date) -> Iterator[date]:
    while start <= end:
        yield start
        start += _DAY
