from __future__ import annotations

import tomllib
from decimal import Decimal

import pytest

from benchmarks.world import INVESTED, MONEY, Shape, accounts, scenario
from gateway_simulator.universe import build_universe

PRICES = {each.contract.symbol: each.base_price for each in build_universe()}


@pytest.mark.parametrize("size", [5, 20, 100, 400])
@pytest.mark.parametrize("mixed", [False, True])
def test_every_shape_asks_for_the_same_share(size: int, mixed: bool) -> None:
    """The weights never ask for more than is invested, and every symbol exists."""
    shape = Shape(size, mixed)
    assert len(shape.weights) == size
    assert sum(map(Decimal.from_float, shape.weights.values())) <= INVESTED + Decimal("0.0002")
    assert shape.weights.keys() <= PRICES.keys()
    assert shape.holdings.keys() <= shape.weights.keys()


def test_mixed_shapes_begin_with_twice_the_target_in_every_other_symbol() -> None:
    """Half the orders sell, half of them buy, and the account is worth the same as one of cash."""
    shape = Shape(20, mixed=True)
    world = tomllib.loads(scenario(shape, 3))
    assert [account["number"] for account in world["account"]] == accounts(3)
    for account in world["account"]:
        held = {one["symbol"]: one["quantity"] for one in account["holdings"]}
        worth = sum(quantity * PRICES[symbol] for symbol, quantity in held.items())
        assert len(held) == 10
        assert float(worth) + account["cash"]["USD"] == pytest.approx(float(MONEY))
        for symbol, quantity in held.items():
            assert quantity * PRICES[symbol] == pytest.approx(2 * MONEY * INVESTED / 20, rel=Decimal("0.01"))
