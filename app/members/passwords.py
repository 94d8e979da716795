"""Passwords: which ones will do, and how they are kept.

Argon2id with the least that OWASP names: 19 MiB of memory and two passes take some 35 ms of a core for a
sign-in, and make guessing from a stolen database slow. Source: OWASP Password Storage Cheat Sheet, 2026.
"""

import secrets
from functools import cache

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

SHORTEST, LONGEST = 12, 200
TOO_SHORT, TOO_LONG, TOO_PLAIN = "short", "long", "plain"
_MEMORY_KIB, _PASSES, _LANES, _BYTES = 19 * 1024, 2, 1, 32
_FEWEST_LETTERS = 5
_WELL_KNOWN = ("password", "passw0rd", "qwerty", "123456789", "letmein", "iloveyou", "ritorno", "abcdefgh")


def weakness(password: str, email: str) -> str | None:
    """Why a password will not do: short, long, plain (easily guessed), or None.

    Length is what counts; no kind of letter is asked for. Source: NIST SP 800-63B-4, section 3.1.1.
    """
    if len(password) < SHORTEST:
        return TOO_SHORT
    if len(password) > LONGEST:
        return TOO_LONG
    lowered = password.lower()
    known = (*_WELL_KNOWN, email.partition("@")[0].lower())
    rest = min((lowered.replace(word, "") for word in known if len(word) > 2), key=len)
    is_plain = len(set(lowered)) < _FEWEST_LETTERS or len(rest) < SHORTEST // 2
    return TOO_PLAIN if is_plain else None


def hashed(password: str) -> str:
    """What is kept of a password: PHC text."""
    salt = secrets.token_bytes(16)
    kdf = Argon2id(salt=salt, length=_BYTES, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY_KIB)
    return kdf.derive_phc_encoded(password.encode())


def fits(password: str, kept: str) -> bool:
    """Whether this is the password; for "", which nobody's is, it takes as long."""
    try:
        Argon2id.verify_phc_encoded(password[: LONGEST + 1].encode(), kept or _nobodys())
    except InvalidKey:
        return False
    return bool(kept)


@cache
def _nobodys() -> str:
    return hashed(secrets.token_urlsafe())
