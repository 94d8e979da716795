"""One tick: everything that is due at a moment, stage by stage, until nothing is left or once.

This is the one place that catches whatever a job may raise: the failure is recorded where it
happened, and the other stores and stages go on.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import structlog

from app import clock, watching
from jobs import (
    attribution,
    checkouts,
    confirmations,
    daily,
    doubts,
    equipment,
    figures,
    flows,
    identities,
    inbox,
    letters,
    lookups,
    notices,
    outbox,
    privacy,
    pulls,
    rehearsals,
    sender_checks,
    states,
    sweeps,
    text_prices,
    trials,
    webhook_checks,
    weekly,
    writes,
)
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit

log = structlog.get_logger()
Stage = Callable[[Kit, datetime], Counter[str]]
STAGES: Sequence[tuple[str, Stage]] = (
    ("inbox", inbox.run),
    ("privacy", privacy.run),
    ("look-ups", lookups.run),
    ("equipment", equipment.run),
    ("webhook checks", webhook_checks.run),
    ("identities", identities.run),
    ("backfill", pulls.run_backfills),
    ("reconciliation", pulls.run_reconciliations),
    ("sweeps", sweeps.run),
    ("senders", sender_checks.run),
    ("calendar", daily.run),
    ("figures", figures.run),
    ("checkouts", checkouts.run),
    ("attribution", attribution.run),
    ("states", states.run),
    ("flows", flows.run),
    ("confirmations", confirmations.run),
    ("doubts", doubts.run),
    ("text prices", text_prices.run),
    ("outbox", outbox.run),
    ("writes", writes.run),
    ("weeks", weekly.run),
    ("notices", notices.run),
    ("letters", letters.run),
    ("trials", trials.run),
    ("rehearsals", rehearsals.run),
)
_MOST_ROUNDS = 10_000


def tick(
    kit: Kit,
    as_of: datetime | None = None,
    *,
    until_idle: bool = False,
    failing: dict[str, Failed] | None = None,
) -> Counter[str]:
    """Do what is due and return the counts by kind.

    Args:
        as_of: the business moment; the present one if None.
        until_idle: go round until a whole round finds nothing to do.
        failing: is given the stages that failed as a whole, and how.
    """
    moment = as_of or clock.now()
    failed: dict[str, Failed] = {} if failing is None else failing
    total: Counter[str] = Counter()
    with clock.frozen_at(moment):
        for _ in range(_MOST_ROUNDS):
            done = _round(kit, moment, failed)
            total += done
            if not until_idle or not done:
                return total
    return total


def run_stage(
    name: str, work: Callable[[], Counter[str]], failed: dict[str, Failed] | None = None
) -> Counter[str]:
    """One round of a stage, watched; nothing was done where it failed as a whole, as the log then says."""
    with watching.span(f"stage {name}") as span:
        done = run_guarded(work)
        if isinstance(done, Failed):
            span.note(failed=type(done.error).__name__)
            # Its rows were rolled back and wait.
            log.error("stage failed", stage=name, error=done.told)
            if failed is not None:
                failed[name] = done
            return Counter()
        if not done:
            span.rest()
        span.note(**{f"done_{kind}": count for kind, count in done.items()})
        return done


def _round(kit: Kit, now: datetime, failed: dict[str, Failed]) -> Counter[str]:
    done: Counter[str] = Counter()
    for name, stage in STAGES:
        done += run_stage(name, partial(stage, kit, now), failed)
    return done
