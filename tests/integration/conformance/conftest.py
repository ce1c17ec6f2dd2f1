"""Every example of this folder runs with both real clients."""

from __future__ import annotations

import pytest

from tests.support.clients import Client
from tests.support.ib_async_client import IbAsyncClient
from tests.support.official_client import OfficialClient


@pytest.fixture(params=[IbAsyncClient, OfficialClient], ids=["ib_async", "official"])
def kind(request: pytest.FixtureRequest) -> type[Client]:
    """The client under test."""
    chosen: type[Client] = request.param
    return chosen
