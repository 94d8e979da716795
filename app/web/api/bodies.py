"""What may be posted to the API, checked before anything is touched."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from flask import request
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from app import clock
from app.errors import BadInput

_CLOCKS_DIFFER = timedelta(minutes=5)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)

Body = TypeVar("Body", bound=BaseModel)


def _plausible(value: datetime) -> datetime:
    """In UTC, and not ahead of time: what is said to happen tomorrow cannot have happened."""
    if not _EARLIEST <= value <= clock.now() + _CLOCKS_DIFFER:
        raise ValueError("a moment that has passed, since 1990")
    return value.astimezone(UTC)


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("no NUL characters")
    return value


Moment = Annotated[AwareDatetime, AfterValidator(_plausible)]
Text = Annotated[str, AfterValidator(_storable)]


class _Posted(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConsentBody(_Posted):
    """One statement of a person about one channel."""

    channel: Literal["email", "sms", "whatsapp", "tracking"]
    state: Literal["subscribed", "pending", "unsubscribed"]
    basis: Literal["consent", "soft_opt_in", "double_opt_in"] | None = None
    at: Moment
    text: Annotated[Text, Field(max_length=5000)] | None = None
    source: Annotated[Text, Field(min_length=1, max_length=40)] = "api"


class EventBody(_Posted):
    """Something that another system knows of a customer."""

    customer: Annotated[int, Field(ge=1, lt=2**63)]
    type: Literal["support.opened", "support.closed", "review.received"]
    occurred_at: Moment
    data: dict[str, Any] = {}


def posted(kind: type[Body]) -> Body:
    """The request's JSON as one of the above.

    Raises:
        BadInput: it is not; `field` names the first place that is wrong.
    """
    try:
        return kind.model_validate_json(request.get_data())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadInput(f"{place}: {first['msg']}", place) from error
