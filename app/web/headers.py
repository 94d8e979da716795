"""The security headers of every answer."""

from flask import Flask, Response, request, url_for

from app import policies
from app.web.context import runtime, visit

policy = policies.policy
_PRIVATE = ("/app/", "/api/")


def register(app: Flask) -> None:
    """Put the headers on every answer; a view that set one of its own keeps it."""
    app.after_request(_add)


def may_connect(page: Response) -> Response:
    """Let the form that connects a store lead to the store's own approval page.

    Browsers count the page that answers a form as the form's target.
    """
    if visit() is None:
        page.headers["Content-Security-Policy"] = policy(form_action="'self' https: http:")
    return page


def admin_of(shop: str | None) -> str:
    """Where a shop's admin lives, as sources of a content security policy."""
    return f"https://{shop} {_ADMIN}" if shop else _ADMIN


def previews() -> str:
    """Where the outbox shows its mails: nothing else is framed, so that a click in a mail leads nowhere.

    Looking at a mail must never count as its reader's click.
    """
    return url_for("outbox.listing", _external=True) + "/"


def stage() -> str:
    """Where the editor shows its mails."""
    return url_for("previewing.stage", _external=True)


def mail_policy() -> str:
    """The policy of a mail in a frame: somebody's HTML, so no script, form, pop-up or cookie of ours."""
    return f"sandbox; default-src 'none'; {_MAIL}; form-action 'none'; frame-ancestors 'self'"


def stage_policy(script: str) -> str:
    """The policy of the empty page into which the editor writes its mails, by this one script of ours."""
    ancestors = f"'self' {_ADMIN} https://*.myshopify.com"
    return (
        f"sandbox allow-scripts; default-src 'none'; script-src {script}; {_MAIL}; form-action 'none'; "
        f"frame-ancestors {ancestors}"
    )


def framed_policy(shop: str | None) -> str:
    """The content security policy of a document that this shop's admin may frame, and nobody else."""
    return policy(
        frame_ancestors=admin_of(shop),
        script_src=f"'self' {_CDN}",
        connect_src=f"'self' {_CDN} {_ADMIN} {_MEASURES}",
        # A page that takes the place of another keeps the other's policy: each may show a mail.
        frame_src=f"{_ADMIN} {previews()} {stage()}",
    )


_POLICY = policy()
_MAIL = "img-src 'self' https: data:; style-src 'unsafe-inline'; base-uri 'none'"
_ADMIN = "https://admin.shopify.com"
_CDN = "https://cdn.shopify.com"
# App Bridge reports the web vitals of Built for Shopify there.
_MEASURES = "https://monorail-edge.shopifysvc.com"


def _add(response: Response) -> Response:
    seen = visit()
    default = _POLICY if seen is None else framed_policy(seen.shop)
    response.headers.setdefault("Content-Security-Policy", default)
    for name, value in policies.headers_of(runtime().settings.base_url).items():
        response.headers.setdefault(name, value)
    if request.path.startswith(_PRIVATE):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
