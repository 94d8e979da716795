"""How the calendar's last runs ended, for whoever runs the installation: an error may tell of any shop."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import JobRun, ScheduledJob


def last_errors(session: Session) -> dict[str, str]:
    """By job, the error of its last run, where that has one."""
    found = {}
    for name in session.scalars(select(ScheduledJob.name).order_by(ScheduledJob.name)).all():
        last = select(JobRun.error).where(JobRun.name == name).order_by(JobRun.slot.desc()).limit(1)
        error = session.execute(last).scalar_one_or_none()
        if error:
            found[name] = error
    return found
