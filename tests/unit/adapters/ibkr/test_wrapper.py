from __future__ import annotations

from collections.abc import Callable
from typing import cast

import ib_async as ib

from event_processor.adapters.ibkr.wrapper import Receiver, RecordingWrapper

SPY = ib.Contract(conId=756733, symbol="SPY", secType="STK", currency="USD")


class Ear:
    """A receiver that notes what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: self.told.append(name)


def wrapper() -> tuple[RecordingWrapper, Ear]:
    ear = Ear()
    return RecordingWrapper(ib.IB(), cast("Receiver", ear)), ear


async def test_what_would_cost_how_much_is_no_order() -> None:
    """The answer to a question (whatIf) comes as openOrder, too."""
    heard, ear = wrapper()
    heard.openOrder(5, SPY, ib.Order(whatIf=True, orderRef="r"), ib.OrderState(status="PreSubmitted"))
    assert ear.told == []
    heard.openOrder(5, SPY, ib.Order(orderRef="r"), ib.OrderState(status="PreSubmitted"))
    assert ear.told == ["open_order"]


async def test_the_values_of_a_model_are_not_the_account_s() -> None:
    """An advisor's model is a part of it."""
    heard, ear = wrapper()
    heard.accountUpdateMulti(1, "DU1", "growth", "NetLiquidation", "5", "USD")
    assert ear.told == []
    heard.accountUpdateMulti(1, "DU1", "", "NetLiquidation", "5", "USD")
    assert ear.told == ["account_value"]
