"""Who acts in this request, for the audit log; and what they were shown, for the access log."""

from flask import g

from app import access_log, audit, clock
from app.audit import Actor
from app.web.context import reader, runtime, visit


def actor() -> Actor:
    """A member, one of the shop's staff by Shopify's number, or a program by its key.

    Who came by the operator's one-time link has no number: their session's mark tells which sign-in it was.
    """
    key_id = g.get("api_key_id")
    if key_id is not None:
        return Actor(audit.API_KEY, str(key_id))
    seen = visit()
    if seen is not None:
        return Actor(audit.STAFF, seen.member)
    signed_in = reader()
    if signed_in is None:
        return Actor(audit.MEMBER)
    return audit.member(signed_in.member_id) if signed_in.member_id else Actor(audit.MEMBER, signed_in.mark)


def showed(store_id: int, what: str, *, customer_id: int | None = None, count: int = 1) -> None:
    """Write down that the reader of this request is shown personal data; nothing where it is of nobody.

    One short transaction of its own, before the answer leaves: what cannot be written down is not shown.
    """
    if not count:
        return
    by = actor()
    how = access_log.API if by.kind == audit.API_KEY else access_log.SCREEN
    with runtime().database.write() as session:
        access_log.record(
            session, store_id, by, what, how=how, now=clock.now(), customer_id=customer_id, count=count
        )
