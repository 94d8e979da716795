"""Structured logs to standard error; they never hold an address, a phone, a token or a body."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

_QUIET = ("alembic", "python_http_client", "urllib3", "waitress.queue", "apscheduler")


def configure(level: str, form: str) -> None:
    """Set level (`INFO` …) and form (`json` or `text`) for the whole process, libraries included.

    Raises:
        ValueError: there is no such level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"LOG_LEVEL: there is no level {level!r}; use DEBUG, INFO, WARNING or ERROR")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(form))
    logging.basicConfig(level=number, handlers=[handler])
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_EVERY_LINE,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Let a logger of that name tell of problems alone for the time of a block."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


_EVERY_LINE: tuple[structlog.types.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def _formatter(form: str) -> structlog.stdlib.ProcessorFormatter:
    """How a line is written, whoever speaks."""
    written: list[structlog.types.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if form == "json":
        written += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        # Its own choice, where `rich` is installed, writes every local variable into a traceback.
        plain = structlog.dev.plain_traceback
        written.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain))
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_EVERY_LINE, processors=written)
