"""The audit log: who changed what in the store, the newest first, by kind if asked."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app import audit
from app.models import AuditEntry
from app.web import log_words, paging
from app.web.auth import merchant_required
from app.web.context import chosen_store, rows_of, runtime

blueprint = Blueprint("changes", __name__)

GROUPS = tuple(dict.fromkeys(action.partition(".")[0] for action in audit.ACTIONS))
"""The kinds to choose from: what stands before the point in an action."""
_PER_PAGE = 25
_NEWEST = paging.Order((AuditEntry.at, AuditEntry.id), is_descending=True)


@blueprint.get("/app/audit")
@merchant_required
def show() -> ResponseReturnValue:
    """The store's own entries."""
    group = request.args.get("kind", "")
    with runtime().database.read() as session:
        store = chosen_store(session)
        statement = rows_of(AuditEntry, store.id)
        if group in GROUPS:
            wanted = [action for action in audit.ACTIONS if action.partition(".")[0] == group]
            statement = statement.where(AuditEntry.action.in_(wanted))
        page = paging.fetch(session, statement, _NEWEST, cursor=request.args.get("cursor"), limit=_PER_PAGE)
        lines = log_words.changes(session, store.id, page.rows)
    return render_template("audit.html", page=page, lines=lines, kind=group, kinds=GROUPS)
