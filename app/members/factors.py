"""The second factor: six digits of an app (TOTP), each good once, and codes for the day the phone is lost.

Source: RFC 6238; SHA-1, six digits and thirty seconds are what every authenticator app knows.
"""

import base64
import secrets
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from app.crypto import Signer, Vault
from app.db import table_of, wall_now
from app.models import Member, RecoveryCode

CODES = table_of(RecoveryCode)
HOW_MANY = 10
_SECONDS, _DIGITS, _KEY_BYTES = 30, 6, 20
_DRIFT = (0, -1, 1)
_PURPOSE = "recovery-code"
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH, _HALF = 10, 5


def begin(vault: Vault, member: Member) -> None:
    """Give a member a fresh secret; it counts once they typed a code of it."""
    member.totp_secret = vault.seal({"totp": base64.b32encode(secrets.token_bytes(_KEY_BYTES)).decode()})
    member.totp_at, member.totp_step = None, 0


def secret_of(vault: Vault, member: Member) -> str:
    """The secret in base32, for typing in."""
    return str(vault.open(member.totp_secret)["totp"])


def address_of(vault: Vault, member: Member) -> str:
    """What the picture for the app says."""
    return _clock(secret_of(vault, member)).get_provisioning_uri(member.email, "Ritorno")


def use_code(session: Session, vault: Vault, member: Member, code: str) -> bool:
    """Whether these are the digits of now, or of half a minute before or after; each opens once."""
    digits = "".join(code.split())
    if not member.totp_secret or len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
        return False
    step = _step_of(secret_of(vault, member), digits, int(wall_now(session).timestamp()))
    if step is None:
        return False
    # The later step wins in one statement: what two requests bring at once opens one door.
    fresh = update(Member).where(Member.id == member.id, Member.totp_step < step).values(totp_step=step)
    return session.execute(fresh.returning(Member.id)).one_or_none() is not None


def use_recovery_code(session: Session, signer: Signer, member_id: int, code: str) -> bool:
    """Whether this is one of a member's codes; it is gone then."""
    mine = (CODES.c.member_id == member_id, CODES.c.code_hash == _hash(signer, member_id, code))
    return session.execute(delete(CODES).where(*mine).returning(CODES.c.member_id)).one_or_none() is not None


def fresh_codes(session: Session, signer: Signer, member_id: int) -> list[str]:
    """New recovery codes instead of the old ones; shown once, kept as keyed hashes."""
    drop_codes(session, member_id)
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(HOW_MANY)]
    kept: Sequence[dict[str, object]] = [
        {"member_id": member_id, "code_hash": _hash(signer, member_id, code)} for code in codes
    ]
    session.execute(insert(CODES), kept)
    return [f"{code[:_HALF]}-{code[_HALF:]}" for code in codes]


def codes_left(session: Session, member_id: int) -> int:
    """How many recovery codes a member has still."""
    mine = select(func.count()).select_from(CODES).where(CODES.c.member_id == member_id)
    return session.execute(mine).scalar_one()


def end(session: Session, member: Member) -> None:
    """Do without a second factor."""
    member.totp_secret, member.totp_at, member.totp_step = "", None, 0
    drop_codes(session, member.id)


def drop_codes(session: Session, member_id: int) -> None:
    """Make every recovery code of a member worthless."""
    session.execute(delete(CODES).where(CODES.c.member_id == member_id))


def _clock(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), _DIGITS, SHA1(), _SECONDS)  # noqa: S303 (what the apps know)


def _step_of(secret: str, digits: str, now: int) -> int | None:
    """The half minute that these digits belong to, None where they belong to none near now."""
    clock = _clock(secret)
    for drift in _DRIFT:
        moment = now + drift * _SECONDS
        try:
            clock.verify(digits.encode(), moment)
        except InvalidToken:
            continue
        return moment // _SECONDS
    return None


def _hash(signer: Signer, member_id: int, code: str) -> str:
    typed = "".join(code.lower().replace("-", "").split())
    return signer.fingerprint(_PURPOSE, f"{member_id}:{typed}")
