"""The preview: a draft as it would arrive, made by what sends, for a frame that can do nothing."""

from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import access_log, clock
from app.errors import BadInput
from app.flows import places
from app.members.roles import READER
from app.messaging import layout
from app.messaging.checking import Draft
from app.messaging.content import LANGUAGES
from app.messaging.errors import ContentError
from app.web import drafts, headers, trying
from app.web.acting import showed
from app.web.assets import address
from app.web.auth import public, role_required
from app.web.catalogue import translate
from app.web.context import chosen_store, runtime
from app.web.trying import Bench

blueprint = Blueprint("previewing", __name__)

VIEWS = ("phone", "desktop", "dark", "text")


@blueprint.get("/assets/stage")
@public("an empty page; what is shown in it comes from the page around it")
def stage() -> ResponseReturnValue:
    """The page into which the editor's script writes a mail: it can run our one script and nothing else."""
    script = url_for("assets.serve", name="js/stage.js", _external=True)
    page = Response(render_template("stage.html", script=address("js/stage.js")))
    page.headers["Content-Security-Policy"] = headers.stage_policy(script)
    return page


@blueprint.post("/app/flows/<key>/messages/<step>/preview")
@role_required(READER)
def preview(key: str, step: str) -> ResponseReturnValue:
    """The draft in the form: as JSON for the editor's script, else as a page for a frame. Nothing is kept."""
    locale, view = request.form.get("locale", ""), request.form.get("view", "phone")
    if locale not in LANGUAGES:
        raise BadInput("this language is not spoken here", "locale")
    with runtime().database.read() as session:
        store = chosen_store(session)
        slot = places.place_of(session, store.id, key, step)
        bench = Bench(runtime(), session, store, slot, clock.now())
        draft = drafts.read(request.form, has_sms=slot.has_sms)[locale]
        person = request.form.get("person", "")
        seen = _seen(bench, draft, locale, person=person, view=view)
    showed(
        store.id,
        access_log.CUSTOMER,
        customer_id=int(person) if person.isdigit() else None,
        count=bool(person),
    )
    if request.accept_mimetypes.best == "application/json":
        return jsonify(seen)
    return _page(seen, view)


def _seen(bench: Bench, draft: Draft, locale: str, *, person: str, view: str) -> dict[str, Any]:
    verdict = bench.check(draft, locale)
    seen: dict[str, Any] = {
        "problems": trying.in_words(verdict.problems, bench.slot),
        "warnings": trying.in_words(verdict.warnings, bench.slot, is_warning=True),
        "readings": bench.readings(draft, locale),
    }
    if verdict.problems:
        return seen | {"failed": translate("editor.preview.waits")}
    scheme = "dark" if view == "dark" else "light"
    try:
        mail = bench.letter(draft, locale, person=person, channel="email").outgoing
        seen |= {"subject": mail.subject, "text": mail.text, "html": layout.as_seen(mail.html or "", scheme)}
        seen["size"] = translate("editor.size", kilobytes=1 + len((mail.html or "").encode()) // 1024)
        if draft.sms is not None:
            texting = bench.texting(draft, locale, person=person)
            seen["sms"] = {"text": texting.text, "count": trying.counted(texting)}
    except ContentError as error:
        seen["failed"] = trying.reason(error, bench.slot)
    return seen


def _page(seen: dict[str, Any], view: str) -> Response:
    """What the frame shows where no script runs."""
    is_mail = "html" in seen and view != "text"
    body = seen["html"] if is_mail else render_template("preview.html", seen=seen)
    page = Response(body, mimetype="text/html")
    page.headers["Content-Security-Policy"] = headers.mail_policy()
    return page
