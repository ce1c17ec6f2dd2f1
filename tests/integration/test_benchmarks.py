from __future__ import annotations

from benchmarks.rebalancing import rebalance, straight
from benchmarks.world import Shape, accounts, orders_of, scenario, stack


def test_product_and_script_do_the_same() -> None:
    """In accounts that begin alike both place the same orders, and every one of them is filled."""
    shape = Shape(4, mixed=True)
    ours, floor = accounts(2)
    with stack(scenario(shape, 2)) as running:
        took = rebalance(running, shape, ours)
        running.processor.kill()
        model = orders_of(running, ours)
        bare = straight(running, "cold", model, floor)
        placed = [
            sorted((str(order["symbol"]), order["side"], order["quantity"]) for order in orders_of(running, account))
            for account in (ours, floor)
        ]
    assert placed[0] == placed[1]
    assert took.orders == bare.orders == 4
    assert bare.messages == 12
    assert 0 < took.first <= took.last
