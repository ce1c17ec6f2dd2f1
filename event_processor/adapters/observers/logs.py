"""The log: one JSON object a line on standard out, named by the fact; account numbers and secrets masked.

What libraries log goes through the same masks, so nothing reaches the output around them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from event_processor.adapters.observers.plain import fields_of, mask
from event_processor.domain.facts import Fact

TALKATIVE = {"aiohttp.access": logging.WARNING, "asyncio": logging.WARNING, "ib_async": logging.CRITICAL}
"""Libraries whose lesser messages repeat what the facts say: the least level shown, unless ours is debug."""

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class LogObserver:
    """Writes each fact as one line."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("rebalancer")

    def observe(self, fact: Fact) -> None:
        """Log `fact` under its name, at its level, with its fields."""
        self._log.log(LEVELS[fact.level], fact.name, **fields_of(fact))


def configure_logging(level: str, style: str, *, secrets: Sequence[str] = (), stream: TextIO | None = None) -> None:
    """Send all logging of this process to `stream` (standard out), `style` json or console.

    `secrets` are texts that must never appear. Calling it again replaces the former configuration.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _Masking(secrets),
                _renderer(style, handler.stream),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    for name, least in TALKATIVE.items():
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else least)


class _Masking:
    """Masks every value of a log line, tracebacks included."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)

    def __call__(self, logger: WrappedLogger, method: str, line: EventDict) -> EventDict:  # noqa: ARG002
        return {name: mask(value, self._secrets) for name, value in line.items()}


def _renderer(style: str, stream: TextIO) -> Processor:
    if style == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    return structlog.dev.ConsoleRenderer(colors=stream.isatty())
