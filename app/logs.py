"""Structured logs to standard error; they never hold an address, a phone, a token or a body."""

import logging
import sys

import structlog

_QUIET = ("alembic", "python_http_client", "urllib3", "waitress.queue", "apscheduler")


def configure(level: str, form: str) -> None:
    """Set level (`INFO` …) and form (`json` or `text`) for the whole process.

    Raises:
        ValueError: there is no such level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"LOG_LEVEL: there is no level {level!r}; use DEBUG, INFO, WARNING or ERROR")
    logging.basicConfig(level=number, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
