"""The security headers of every answer."""

from flask import Flask, Response, request

from app.web.context import runtime

POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_PRIVATE = ("/app/", "/api/")


def register(app: Flask) -> None:
    """Put the headers on every answer; a view that set one of its own keeps it."""
    app.after_request(_add)


def policy(**changes: str) -> str:
    """The content security policy with some directives changed (`frame_src="'self'"`)."""
    directives = POLICY | {name.replace("_", "-"): value for name, value in changes.items()}
    return "; ".join(f"{name} {value}".strip() for name, value in directives.items())


def _add(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", policy())
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith(_PRIVATE):
        response.headers.setdefault("Cache-Control", "no-store")
    if runtime().settings.base_url.startswith("https://"):
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
