"""What a broker's client says it has heard: every callback in order, with one name per argument for both clients."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

WORDS: dict[str, str] = {
    "connectAck": "",
    "connectionClosed": "",
    "nextValidId": "orderId",
    "managedAccounts": "accounts",
    "error": "reqId code text",
    "currentTime": "time",
    "updateAccountValue": "tag value currency account",
    "updatePortfolio": "contract position price value averageCost unrealized realized account",
    "updateAccountTime": "time",
    "accountDownloadEnd": "account",
    "accountUpdateMulti": "reqId account model tag value currency",
    "accountUpdateMultiEnd": "reqId",
    "accountSummary": "reqId account tag value currency",
    "accountSummaryEnd": "reqId",
    "position": "account contract position averageCost",
    "positionEnd": "",
    "positionMulti": "reqId account model contract position averageCost",
    "positionMultiEnd": "reqId",
    "pnl": "reqId daily unrealized realized",
    "pnlSingle": "reqId position daily unrealized realized value",
    "contractDetails": "reqId details",
    "contractDetailsEnd": "reqId",
    "marketRule": "ruleId increments",
    "marketDataType": "reqId dataType",
    "tickPrice": "reqId tick price",
    "tickSize": "reqId tick size",
    "tickString": "reqId tick value",
    "tickGeneric": "reqId tick value",
    "tickReqParams": "reqId minTick exchange permissions",
    "tickSnapshotEnd": "reqId",
    "historicalData": "reqId bar",
    "historicalDataEnd": "reqId start end",
    "openOrder": "orderId contract order state",
    "openOrderEnd": "",
    "orderStatus": "orderId status filled remaining averagePrice permId parentId lastPrice clientId whyHeld",
    "orderBound": "permId clientId orderId",
    "execDetails": "reqId contract execution",
    "execDetailsEnd": "reqId",
    "commissionReport": "report",
    "completedOrder": "contract order state",
    "completedOrdersEnd": "",
}
"""Callback -> the names of its arguments; what a client passes beyond them is not looked at."""

SPELLINGS = {"priceSizeTick": "tickPrice", "commissionAndFeesReport": "commissionReport"}
"""A name only one of the clients uses -> the name for both."""


@dataclass(frozen=True)
class Said:
    """One callback; its arguments are attributes, numbers as int or float."""

    name: str
    values: dict[str, Any]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client passed
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(f"{self.name} has {', '.join(self.values) or 'nothing'}, not {name}") from None

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={str(value)[:80]}' for key, value in self.values.items())})"

    def is_like(self, name: str, values: dict[str, Any]) -> bool:
        return self.name == name and all(self.values[key] == value for key, value in values.items())


class Hearing:
    """Takes a client's callbacks and lets a test, on the event loop, wait for them."""

    def __init__(self) -> None:
        self.heard: list[Said] = []
        self._news = asyncio.Event()

    def note(self, name: str, *values: object) -> None:
        """Take one callback, on the event loop."""
        plain = [float(value) if isinstance(value, Decimal) else value for value in values]
        self.heard.append(Said(name, dict(zip(WORDS[name].split(), plain, strict=False))))
        self._news.set()

    def forget(self) -> None:
        """From here on only what comes next counts."""
        self.heard.clear()

    def all(self, name: str, **like: object) -> list[Said]:
        """Everything of this name heard so far whose arguments are like these."""
        return [said for said in self.heard if said.is_like(name, like)]

    @property
    def codes(self) -> list[int]:
        """The codes of all errors heard, in order."""
        return [said.code for said in self.all("error")]

    async def hear(self, name: str, *, seconds: float = 5.0, **like: object) -> Any:  # noqa: ANN401
        """The first such `Said` since `forget`, waiting for it; raises AssertionError with what came instead."""
        await self.until(lambda: bool(self.all(name, **like)), f"{name} {like}", seconds)
        return self.all(name, **like)[0]

    async def until(self, condition: Callable[[], bool], what: str, seconds: float = 5.0) -> None:
        """Wait until something heard makes the condition true; raises AssertionError."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {what} in {seconds} s, but {[str(said) for said in self.heard]}") from None


class Ear:
    """Stands where a client wants its wrapper; a callback the examples do not know is an AttributeError."""

    def __init__(self, take: Callable[..., None]) -> None:
        self._take = take

    def __getattr__(self, name: str) -> Callable[..., None]:
        word = SPELLINGS.get(name, name)
        if word not in WORDS:
            raise AttributeError(name)
        return lambda *values: self._take(word, *values)


class FaultLog(logging.Handler):
    """Collects what a client's library logs as an error: messages that it could not decode."""

    def __init__(self, logger: str) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []
        self._logger = logging.getLogger(logger)

    def emit(self, record: logging.LogRecord) -> None:
        reason = record.exc_info[1] if record.exc_info else ""
        self.lines.append(f"{record.getMessage()} {reason}")

    def __enter__(self) -> Self:
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._logger.removeHandler(self)
