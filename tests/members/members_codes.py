"""What the app on a member's phone shows."""

import base64
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy.orm import Session

from app.crypto import Vault
from app.db import wall_now
from app.members import factors
from app.models import Member


def code_of(session: Session, vault: Vault, member: Member, *, seconds: int = 0) -> str:
    """The six digits of so many seconds from now."""
    moment = wall_now(session) + timedelta(seconds=seconds)
    return digits(factors.secret_of(vault, member), moment)


def digits(secret: str, moment: datetime) -> str:
    """The six digits of a secret at a moment."""
    app = TOTP(base64.b32decode(secret), 6, SHA1(), 30)  # noqa: S303 (what the apps know)
    return app.generate(int(moment.timestamp())).decode()
