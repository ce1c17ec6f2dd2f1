"""Fixtures and settings for every test."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["tests.support.redis_server"]

# Deadlines measure the machine, not the code; everything else keeps what hypothesis chose for here or for CI.
settings.register_profile("rebalancer", parent=settings(), deadline=None, print_blob=True)
settings.load_profile("rebalancer")
