"""The log: one pipeline for our own lines, for those of libraries, and for what nobody caught.

With `json` each line on standard error is one JSON object, whoever wrote it.
"""

import logging
import sys
import threading
from types import TracebackType
from typing import Any

import click
import structlog
from structlog.typing import FilteringBoundLogger, Processor

LEVEL = logging.INFO
"""Our own lines from here on are written."""
LIBRARY_LEVEL = logging.WARNING
"""Lines of the standard library's logging from here on are written."""
JSON = "json"


def take_over(log_format: str) -> FilteringBoundLogger:
    """Set up all logging of the process: `json` for machines, `console` for people.

    The standard library's logging, `warnings` and the hooks for what is not caught are ours then.
    """
    logger = configure(log_format)
    _take_over_library_logging(_renderer(log_format))
    if log_format == JSON:
        _take_over_hooks(logger)
    return logger


def configure(log_format: str) -> FilteringBoundLogger:
    """Set up our own lines: standard error, unbuffered."""
    structlog.configure(
        processors=[*_COMMON, *_renderer(log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(LEVEL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


class Failure(click.ClickException):
    """An error that ends a command whose log has this format; it is told in that format."""

    def __init__(self, message: str, log_format: str) -> None:
        """Keep what to tell."""
        super().__init__(message)
        self._log_format = log_format

    def show(self, file: Any = None) -> None:
        """Write it: a line of the log, or as click does for people."""
        if self._log_format == JSON:
            structlog.get_logger().error("failed", why=self.message)
        else:
            super().show(file)


_COMMON: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def _renderer(log_format: str) -> tuple[Processor, ...]:
    if log_format == JSON:
        return (
            # As text, without the values of variables: a key may be among them.
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        )
    plain = structlog.dev.plain_traceback
    renderer = structlog.dev.ConsoleRenderer(
        colors=False, pad_event_to=34, exception_formatter=plain
    )
    return (renderer,)


def _take_over_library_logging(render: tuple[Processor, ...]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_COMMON],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    logging.basicConfig(handlers=[handler], level=LIBRARY_LEVEL, force=True)
    logging.captureWarnings(capture=True)


def _take_over_hooks(logger: FilteringBoundLogger) -> None:
    """Write what nobody caught as a line of the log, its traceback in a field of it."""

    def uncaught(
        kind: type[BaseException], exc: BaseException, traceback: TracebackType | None
    ) -> None:
        logger.critical("not caught", exc_info=(kind, exc, traceback))

    def in_thread(told: threading.ExceptHookArgs) -> None:
        logger.critical("not caught in a thread", exc_info=told.exc_value)

    def unraisable(told: Any) -> None:
        where = f"{told.err_msg or 'ignored'}: {told.object!r}"
        logger.error("not caught where nothing can be raised", where=where, exc_info=told.exc_value)

    sys.excepthook = uncaught
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable
