"""The `rebalancer` command: each file adds its commands to the one app in `running`."""

from __future__ import annotations

from event_processor.entrypoints.cli import control, demo, events, publish, run, schema, status
from event_processor.entrypoints.cli.running import app

__all__ = ["control", "demo", "events", "main", "publish", "run", "schema", "status"]


def main() -> None:
    """The entry point of the `rebalancer` command."""
    app()
