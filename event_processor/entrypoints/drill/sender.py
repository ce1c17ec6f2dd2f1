"""A process that connects, sends one resting order, and dies the moment it is written: nobody hears the answer.

python -m event_processor.entrypoints.drill.sender HOST PORT CLIENT_ID ACCOUNT SYMBOL RUN LIMIT
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from decimal import Decimal

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.gateway import IbkrBroker, IbkrSettings
from event_processor.domain.contract import ContractQuery
from event_processor.domain.ids import AccountId, EventKey, OrderRef
from event_processor.domain.order import Order, OrderType, Side


async def send_and_die(host: str, port: int, client_id: int, order: tuple[str, str, str, str]) -> None:
    """Does not return; raises BrokerUnavailable when it cannot even send."""
    account, symbol, run, limit = order
    broker = IbkrBroker(IbkrSettings(host=host, port=port, client_id=client_id), SystemClock())
    await broker.connect()
    query = ContractQuery(symbol=symbol)
    contract = (await broker.resolve([query]))[query]
    ref = OrderRef.derive(EventKey(run), AccountId(account), 1)
    placed = Order(ref, AccountId(account), contract, Side.BUY, Decimal(1), OrderType.LIMIT, Decimal(limit))
    await broker.send_slot()
    broker.place(placed, broker.next_order_id())
    os.kill(os.getpid(), signal.SIGKILL)


def main(words: list[str]) -> None:
    """Read the command line."""
    host, port, client_id, account, symbol, run, limit = words
    asyncio.run(send_and_die(host, int(port), int(client_id), (account, symbol, run, limit)))


if __name__ == "__main__":
    main(sys.argv[1:])
