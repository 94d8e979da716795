"""Flows in Shopify's marketing reports: an external activity each, with a day's figures at a time.

`MarketingChannel` has no word for text messages, so that an activity is about a flow's mails alone.

Source: Admin GraphQL schema 2026-10 (MarketingActivityUpsertExternalInput, MarketingEngagementInput). Figures
are of one day, never cumulative. What becomes of a day that is told twice the schema does not say; of the
older channel engagements Shopify's Sales Channel SDK said that the last telling of a day replaces the others.
Not verified: a day is told once, and again only where an answer was lost, or where it was refused for good.
"""

from connectors.base import ConnectorError, JsonObject, Unauthorized
from connectors.storefronts.shopify import documents, fields
from connectors.storefronts.shopify.admin import Admin
from connectors.storefronts.shopify.answers import refusal_codes
from connectors.writing import FlowActivity, FlowEngagement


def report(admin: Admin, activity: FlowActivity) -> None:
    """Make the activity, or bring it up to date.

    Raises:
        ConnectorError: Shopify refused it; permanent, but while it still deletes older ones.
    """
    _demand_success(admin.run(documents.MARKETING_ACTIVITY, {"input": _activity(activity)}))


def report_day(admin: Admin, activity: FlowActivity, engagement: FlowEngagement) -> None:
    """Add a day's figures to an activity, which is made where there is none.

    There is one since the flow was switched on, unless that could not be told. How Shopify says that it knows
    none was tried by nobody: what it refuses for good is told once more, of one that was made.

    Raises:
        ConnectorError: Shopify refused them; permanent, but while it still deletes older ones.
    """
    asked = {"remoteId": _remote_id(activity), "engagement": _engagement(engagement)}
    try:
        _demand_success(admin.run(documents.MARKETING_ENGAGEMENT, asked))
    except ConnectorError as error:
        if not error.permanent or isinstance(error, Unauthorized):
            raise
        report(admin, activity)
        _demand_success(admin.run(documents.MARKETING_ENGAGEMENT, asked))


# After an uninstall Shopify deletes the app's activities in the background and takes none meanwhile.
_PASSING = frozenset({"DELETE_JOB_ENQUEUED", "INTERNAL_ERROR"})
_MINUTES_AN_HOUR = 60


def _demand_success(answer: JsonObject) -> None:
    codes = refusal_codes(fields.required_child(answer, "reported"))
    if codes:
        shown = ", ".join(codes)
        raise ConnectorError(f"Shopify refused the report ({shown})", permanent=not set(codes) & _PASSING)


def _remote_id(activity: FlowActivity) -> str:
    return f"ritorno:{activity.name}"


def _activity(activity: FlowActivity) -> JsonObject:
    source, medium, campaign = activity.utm
    asked: JsonObject = {
        "remoteId": _remote_id(activity),
        "title": activity.title,
        "status": "ACTIVE" if activity.is_running else "PAUSED",
        "remoteUrl": activity.url,
        "marketingChannelType": "EMAIL",
        "tactic": "NEWSLETTER",
        "utm": {"source": source, "medium": medium, "campaign": campaign},
    }
    if activity.started_at is not None:
        asked["start"] = activity.started_at.isoformat()
    return asked


def _engagement(engagement: FlowEngagement) -> JsonObject:
    minutes = round(engagement.utc_offset.total_seconds() / _MINUTES_AN_HOUR)
    hours, rest = divmod(abs(minutes), _MINUTES_AN_HOUR)
    return {
        "occurredOn": engagement.day.isoformat(),
        "utcOffset": f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}",
        "sendsCount": engagement.sent,
        "clicksCount": engagement.clicks,
        "uniqueClicksCount": engagement.unique_clicks,
        "orders": str(engagement.orders),
        "sales": {"amount": engagement.sales, "currencyCode": engagement.currency},
    }
