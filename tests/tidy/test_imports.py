from __future__ import annotations

import pytest

from tests.tidy.imports import import_violations, imported, impurities
from tests.tidy.sources import Source, product_sources

RIGHT = [
    ("event_processor/domain/plan.py", "from decimal import Decimal"),
    ("event_processor/domain/plan.py", "from event_processor.domain.order import Order"),
    ("event_processor/domain/plan.py", "from event_processor.errors import PlanError"),
    ("event_processor/domain/event.py", "import pydantic"),
    ("event_processor/domain/event_schema.py", "from pydantic import BaseModel"),
    ("event_processor/ports.py", "from typing import Protocol"),
    ("event_processor/ports.py", "from event_processor.domain.order import Order"),
    ("event_processor/application/health.py", "from healthcheck.report import Report"),
    ("event_processor/application/health.py", "from healthcheck import report"),
    ("event_processor/application/processor.py", "from event_processor.ports import Journal"),
    ("event_processor/adapters/ibkr/gateway.py", "import ib_async"),
    ("event_processor/adapters/ibkr/gateway.py", "from event_processor.adapters.ibkr.codes import meaning"),
    ("event_processor/adapters/ibkr/gateway.py", "from .codes import meaning"),
    ("event_processor/adapters/redis/inbox.py", "from redis.asyncio import Redis"),
    ("event_processor/adapters/observers/logs.py", "import structlog"),
    ("event_processor/bootstrap.py", "from event_processor.adapters.ibkr.gateway import Gateway"),
    ("event_processor/entrypoints/cli/main.py", "from event_processor import __version__, bootstrap"),
    ("event_processor/entrypoints/demo/redis_server.py", "import redis"),
    ("event_processor/__main__.py", "from event_processor.entrypoints.cli import main"),
    ("gateway_simulator/server.py", "from gateway_simulator.wire import frame"),
    ("healthcheck/__main__.py", "import json"),
]

WRONG = [
    ("event_processor/errors.py", "import event_processor.domain.order"),
    ("event_processor/domain/plan.py", "import logging"),
    ("event_processor/domain/plan.py", "import random"),
    ("event_processor/domain/plan.py", "from asyncio import sleep"),
    ("event_processor/domain/plan.py", "import pydantic"),
    ("event_processor/domain/eventful.py", "import pydantic"),
    ("event_processor/domain/event.py", "import yaml"),
    ("event_processor/domain/plan.py", "from event_processor.ports import Clock"),
    ("event_processor/domain/plan.py", "from event_processor import ports"),
    ("event_processor/domain/plan.py", "from .. import ports"),
    ("event_processor/ports.py", "from event_processor.application.processor import Processor"),
    ("event_processor/ports.py", "import redis"),
    ("event_processor/application/processor.py", "from event_processor.adapters.redis.inbox import Inbox"),
    ("event_processor/application/processor.py", "from event_processor.settings import Settings"),
    ("event_processor/application/processor.py", "import structlog"),
    ("event_processor/application/processor.py", "def f():\n    import ib_async"),
    ("event_processor/application/health.py", "from healthcheck.probes import tcp"),
    ("event_processor/adapters/redis/inbox.py", "from event_processor.adapters.ibkr import codes"),
    ("event_processor/adapters/redis/inbox.py", "from ..ibkr import codes"),
    ("event_processor/adapters/redis/inbox.py", "from event_processor.adapters.clock import SystemClock"),
    ("event_processor/adapters/redis/inbox.py", "from event_processor.application import health"),
    ("event_processor/adapters/redis/inbox.py", "import ib_async"),
    ("event_processor/adapters/ibkr/gateway.py", "import redis.asyncio"),
    ("event_processor/adapters/ibkr/gateway.py", "import ibapi.client"),
    ("event_processor/adapters/observers/logs.py", "import apprise"),
    ("event_processor/adapters/ibkr/gateway.py", "from healthcheck.report import Report"),
    ("event_processor/bootstrap.py", "from event_processor.entrypoints.cli import main"),
    ("event_processor/bootstrap.py", "from event_processor.extras import thing"),
    ("event_processor/entrypoints/cli/main.py", "import ib_async"),
    ("event_processor/entrypoints/demo/stage.py", "from gateway_simulator.server import Server"),
    ("gateway_simulator/server.py", "from event_processor.domain.order import Order"),
    ("gateway_simulator/server.py", "import rich"),
    ("gateway_simulator/server.py", "from healthcheck.report import Report"),
    ("healthcheck/probes.py", "import redis"),
]


def test_the_project_keeps_its_arrows() -> None:
    """No file of the product imports against the architecture."""
    assert [line for source in product_sources() for line in import_violations(source) + impurities(source)] == []


@pytest.mark.parametrize(("path", "text"), RIGHT)
def test_arrows_that_are_allowed(path: str, text: str) -> None:
    """The rule lets through what the architecture draws."""
    assert import_violations(Source(path, text)) == []


@pytest.mark.parametrize(("path", "text"), WRONG)
def test_arrows_that_are_caught(path: str, text: str) -> None:
    """Each planted violation is found, and reported with its place."""
    (found,) = import_violations(Source(path, text))
    assert found.startswith(f"{path}:")


@pytest.mark.parametrize("text", ["async def f(): ...", "async def f():\n    async with g(): pass"])
def test_async_code_in_the_domain_is_caught(text: str) -> None:
    """The domain decides and never waits; the application may."""
    assert impurities(Source("event_processor/domain/plan.py", text))
    assert not impurities(Source("event_processor/application/rebalance.py", text))


def test_relative_imports_are_resolved() -> None:
    """Dots count from the module's own package, one level less in a package's own file."""
    text = "from . import a\nfrom .b import c\nfrom ..d import e"
    expected = ["x.y.a", "x.y.b.c", "x.d.e"]
    assert [name for _, name in imported(Source("x/y/z.py", text))] == expected
    assert [name for _, name in imported(Source("x/y/__init__.py", text))] == expected
