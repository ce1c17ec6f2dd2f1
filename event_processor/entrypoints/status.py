"""The status server: `/livez` (it runs), `/readyz` (it could trade now, or why not), `/metrics` (Prometheus)."""

from __future__ import annotations

import errno
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from event_processor.errors import ConfigurationError
from healthcheck.report import Report

STOP_SECONDS_MAX = 1.0


class StatusServer:
    """Answers on `host`:`port` between `start` and `stop`; port 0 means a free one, told by `port`."""

    def __init__(self, host: str, port: int, health: Callable[[], Report], registry: CollectorRegistry) -> None:
        self.host = host
        self.port = port
        self._health = health
        self._registry = registry
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; raises `ConfigurationError` when the address cannot be had."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS_MAX)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port).start()
        except OSError as error:
            await runner.cleanup()
            raise ConfigurationError(_words(self.host, self.port, error)) from error
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Close; harmless when not started."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _livez(self, _: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, _: web.Request) -> web.Response:
        report = self._health()
        return web.json_response(text=report.line(), status=200 if report.ready else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _words(host: str, port: int, error: OSError) -> str:
    taken = error.errno == errno.EADDRINUSE
    why = "another program listens there already" if taken else error.strerror or str(error)
    return (
        f"The status server cannot listen on {host}:{port}: {why}. "
        "Set STATUS_PORT to a free port, or to 0 to go without; STATUS_HOST says on which address."
    )
