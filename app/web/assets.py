"""Style sheets and scripts, addressed by their content so that browsers may keep them."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, send_from_directory, url_for

from app.web.auth import public

FOLDER = Path(__file__).parent / "static"
_YEAR_SECONDS = 31_536_000

blueprint = Blueprint("assets", __name__, template_folder="templates")


@blueprint.get("/assets/<path:name>")
@public("the looks of the pages say nothing about anybody")
def serve(name: str) -> Response:
    """One file; what is outside the folder does not exist."""
    return send_from_directory(FOLDER, name, max_age=_YEAR_SECONDS)


def address(name: str) -> str:
    """Where the file is now; another content has another address."""
    return url_for("assets.serve", name=name, v=_version(name))


@cache
def _version(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:8]
