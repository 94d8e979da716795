"""Where a reader may be led: to screens of ours alone, whatever a query or a form says."""

import re
from urllib.parse import urlencode, urlsplit

from flask import request

from app.errors import Busy
from app.members import people
from app.web.context import runtime

HOME, SIGN_IN = "/app/", "/app/sign-in"
GUIDE = "guide"
"""What a form says that stands in the set-up guide, or was reached from there: it leads back there."""
_OWN_PATH = re.compile(r"/app/[A-Za-z0-9_\-./?&=%+,@:~]*")
_DOORS = (SIGN_IN, "/app/sign-out")


def is_own_path(path: str) -> bool:
    """A path of ours and nothing that a browser could read as another place."""
    return bool(_OWN_PATH.fullmatch(path)) and "//" not in urlsplit(path).path and ".." not in path


def is_from_guide() -> bool:
    """Whether this request began in the set-up guide, by its form or its query; one word, and no address."""
    return request.values.get("from") == GUIDE


def after_sign_in(path: str) -> str:
    """Where somebody wanted to go before they were asked to sign in, if that is a screen of ours."""
    return path if is_own_path(path) and not path.startswith(_DOORS) else HOME


def way_in(path: str) -> str | None:
    """The page to sign in at, which leads back to the path; None while nobody has a password."""
    try:
        with runtime().database.read() as session:
            is_open = people.exist(session)
    except Busy:
        return None
    wanted = after_sign_in(path)
    query = "" if wanted == HOME else "?" + urlencode({"next": wanted})
    return SIGN_IN + query if is_open else None
