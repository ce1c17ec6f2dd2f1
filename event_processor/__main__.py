"""`python -m event_processor` is the `rebalancer` command."""

from __future__ import annotations

from event_processor.entrypoints.cli import main

main()
