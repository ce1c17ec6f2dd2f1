from __future__ import annotations

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.link import Link, Surroundings
from event_processor.adapters.ibkr.options import IbkrSettings
from event_processor.adapters.ibkr.orders import OrderBook
from event_processor.adapters.ibkr.pacing import Pacer
from event_processor.domain.reports import Report
from event_processor.domain.session import SessionInput
from tests.support.making import execution, report


async def test_an_order_id_seen_anywhere_is_never_given_out_again() -> None:
    """An order that filled at once is seen in its execution only."""
    orders, reports, inputs = OrderBook(17), list[Report](), list[SessionInput]()
    around = Surroundings(IbkrSettings(), SystemClock(), Pacer(50), orders, reports.append, inputs.append)
    link = Link(around, 1.0)
    ids = [orders.next_order_id()]
    link.open_order(report(order_id=40))
    ids.append(orders.next_order_id())
    link.execution(execution(order_id=90))
    ids.append(orders.next_order_id())
    link.next_valid_id(7)
    ids.append(orders.next_order_id())
    assert ids == [1, 41, 91, 92]
    assert len(reports) == 2
