"""The shortest straight ib_async script that places given orders; what the product is compared with.

    python -m benchmarks.floor PORT known|quotes|cold ORDERS_FILE

`known`: contracts and prices are there before the clock starts; `quotes`: prices are fetched; `cold`: contracts
too. Sells go first and buys when they are filled, as a cash account wants it. Prints when the clock started.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import ib_async as ib

CLIENT_ID = 90
IDLE_SECONDS = 1.2
"""After that the throttle remembers nothing of the preparations."""


async def run(port: int, mode: str, orders: list[dict[str, str]]) -> dict[str, float]:
    """Place the orders and wait until all are filled; when the work began, and how many messages it took."""
    gateway = ib.IB()
    await gateway.connectAsync("127.0.0.1", port, CLIENT_ID)
    named = [ib.Stock(order["symbol"], "SMART", "USD") for order in orders]
    if mode != "cold":
        await gateway.qualifyContractsAsync(*named)
    await asyncio.sleep(IDLE_SECONDS)
    sent, began = gateway.client.conn.numMsgSent, time.time()
    if mode == "cold":
        await gateway.qualifyContractsAsync(*named)
    if mode != "known":
        await gateway.reqTickersAsync(*named)
    for side in ("SELL", "BUY"):
        trades = [
            gateway.placeOrder(
                contract, ib.MarketOrder(side, float(order["quantity"]), account=order["account"], tif="DAY")
            )
            for contract, order in zip(named, orders, strict=True)
            if order["side"] == side
        ]
        while not all(trade.isDone() for trade in trades):
            await gateway.updateEvent
    messages = gateway.client.conn.numMsgSent - sent
    gateway.disconnect()
    return {"began": began, "messages": messages}


if __name__ == "__main__":
    taken = asyncio.run(run(int(sys.argv[1]), sys.argv[2], json.loads(Path(sys.argv[3]).read_text())))
    print(json.dumps(taken))  # noqa: T201 - standard output is how the benchmark hears of it
