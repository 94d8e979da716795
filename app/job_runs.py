"""How the calendar's last runs ended, for whoever runs the installation: an error may tell of any shop."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import JobRun, ScheduledJob


def last_runs(session: Session) -> dict[str, str | None]:
    """By job, the error of its last run; None where that went well, or goes on."""
    found = {}
    for name in session.scalars(select(ScheduledJob.name).order_by(ScheduledJob.name)).all():
        last = select(JobRun.error).where(JobRun.name == name).order_by(JobRun.slot.desc()).limit(1)
        found[name] = session.execute(last).scalar_one_or_none()
    return found


def last_errors(session: Session) -> dict[str, str]:
    """Those that failed."""
    return {name: error for name, error in last_runs(session).items() if error}
