"""The security headers that every answer to a browser carries, by whomever it is given."""

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


def policy(**changes: str) -> str:
    """The content security policy with some directives changed (`frame_src="'self'"`)."""
    directives = POLICY | {name.replace("_", "-"): value for name, value in changes.items()}
    return "; ".join(f"{name} {value}".strip() for name, value in directives.items())


def headers_of(base_url: str) -> dict[str, str]:
    """What an answer carries beside its content security policy; over https, that it is to stay so."""
    is_secure = base_url.startswith("https://")
    return _ALWAYS | ({"Strict-Transport-Security": "max-age=31536000"} if is_secure else {})
