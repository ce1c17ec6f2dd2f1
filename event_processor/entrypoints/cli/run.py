"""`rebalancer run`: the event processor itself."""

from __future__ import annotations

import asyncio
import gc
import signal

import structlog

from event_processor.adapters.observers.logs import configure_logging
from event_processor.bootstrap import build
from event_processor.entrypoints.cli.exits import Exit
from event_processor.entrypoints.cli.running import carry_out
from event_processor.entrypoints.status import StatusServer
from event_processor.errors import ProcessorError
from event_processor.settings import Settings

_log = structlog.get_logger("rebalancer")


def run() -> None:
    """Run the event processor until it is stopped (Ctrl-C, SIGTERM). Settings come from the environment."""

    async def work() -> Exit:
        settings = Settings.load()
        configure_logging(settings.log_level, settings.log_format, secrets=settings.secrets())
        processor = build(settings)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, processor.supervisor.stop)
        server = StatusServer(settings.status_host, settings.status_port, processor.health, processor.registry)
        if settings.status_port:
            await server.start()
        _set_apart()
        try:
            await processor.supervisor.run()
        except ProcessorError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the log tells it masked, as one line
            _log.exception("processor.crashed")
            return Exit.FAILED
        finally:
            await server.stop()
        return Exit.OK

    carry_out(work)


def _set_apart() -> None:
    """What the start has made stays for good. Looking through all of it for garbage, time and again, would hold up
    everything else for some fifty milliseconds each time, an order as well."""
    gc.collect()
    gc.freeze()
