"""The time zones as a list of its own, which a browser keeps: they weigh more than half of the settings."""

from flask import Blueprint, Response, g, render_template
from flask.typing import ResponseReturnValue

from app import clock
from app.errors import NotFound
from app.web import choosing
from app.web.auth import public
from app.web.catalogue import LANGUAGES

blueprint = Blueprint("zones", __name__)
_DAY_SECONDS = 86_400


@blueprint.get("/zones/<locale>")
@public("which time zones there are says nothing about anybody")
def listing(locale: str) -> ResponseReturnValue:
    """Every zone by continent, in one of our languages; tomorrow their offsets from UTC may be others."""
    if locale not in LANGUAGES:
        raise NotFound("there is no such list")
    g.language = locale
    answer = Response(render_template("zones.html", groups=choosing.zones(clock.now())))
    answer.headers["Cache-Control"] = f"public, max-age={_DAY_SECONDS}"
    return answer
