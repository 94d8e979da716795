"""Mails with one-time links leave: invitations of members and new passwords, from the operator's account."""

from collections import Counter
from datetime import datetime

from app.members import letters
from app.members.letters import Letter
from app.messaging.notices import letter_of
from connectors.base import Channel, Outcome
from jobs.kit import Kit
from jobs.notices import open_channel, send_one


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Send what waits; nothing where the operator has no account or no address for it."""
    told: Counter[str] = Counter()
    if not letters.can_leave(kit.runtime.settings):
        return told
    with kit.database.read() as session:
        is_due = letters.is_due(session, now)
    if not is_due:
        return told
    with kit.database.write() as session:
        claimed = letters.claim(session, kit.runtime.vault, now)
    channel = open_channel(kit)
    for letter in claimed:
        _send(kit, channel, letter, now=now)
    channel.close()
    told["letters"] = len(claimed)
    return +told


def _send(kit: Kit, channel: Channel, letter: Letter, *, now: datetime) -> None:
    """Hand one over. Without a clear answer it goes once more later: its link is good once either way."""
    result = send_one(channel, letter_of(letter, kit.runtime.settings.notice_from))
    with kit.database.write() as session:
        if result.outcome is Outcome.ACCEPTED:
            letters.sent(session, letter.id)
            return
        may_pass = result.outcome in {Outcome.RETRY, Outcome.UNKNOWN}
        letters.not_sent(session, letter.id, again_at=now + letters.AGAIN if may_pass else None)
