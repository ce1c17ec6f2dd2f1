from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar, cast

import ib_async as ib
import pytest

from event_processor.adapters.ibkr.lookups import Asker, Lookups
from event_processor.domain.ids import PermId
from event_processor.domain.order import OrderStatus
from event_processor.domain.reports import Evidence, Execution, OrderReport
from event_processor.errors import GatewayDisconnected, ReadOnlyApi
from tests.support.builders import AT
from tests.support.making import commission, execution, report

T = TypeVar("T")
WHOLE = ["open orders of all clients", "completed orders, of the API only: False", "executions"]


class Gateway:
    """A connection and what the gateway behind it shows. `asked` are the requests; `lost` is one during which the link
    goes, `refused` one that is answered with this error."""

    def __init__(self) -> None:
        self.lookups = Lookups()
        self.asked: list[str] = []
        self.open: Sequence[OrderReport] = ()
        self.completed: Sequence[OrderReport] = ()
        self.executions: Sequence[Execution] = ()
        self.interruptions = 0
        self.lost, self.refused = "", ("", 0, "")

    @property
    def facade(self) -> Gateway:
        return self

    async def ask(self, what: str, send: Callable[[], Awaitable[T]], *, has_id: bool = True) -> T:
        return await send()

    async def reqAllOpenOrdersAsync(self) -> None:
        self._heard(WHOLE[0])
        for one in self.open:
            self.lookups.open_order(one)

    async def reqCompletedOrdersAsync(self, *, apiOnly: bool) -> None:
        self._heard(f"completed orders, of the API only: {apiOnly}")
        for one in self.completed:
            self.lookups.completed_order(one)

    async def reqExecutionsAsync(self) -> None:
        self._heard(WHOLE[2])
        for one in self.executions:
            self.lookups.execution(one)

    def _heard(self, request: str) -> None:
        self.asked.append(request)
        self.interruptions += request == self.lost
        name, code, text = self.refused
        if request == name:
            raise ib.RequestError(-1, code, text)

    async def look(self) -> Evidence:
        return await self.lookups.run(cast("Asker", self), lambda: AT)


async def test_everybody_s_orders_are_asked_for_and_open_ones_first() -> None:
    """An order that ends between the two is found among the completed ones, which are asked for after."""
    gateway = Gateway()
    gateway.open, gateway.completed = [report()], [report(OrderStatus.CANCELLED)]
    gateway.executions = [execution(10)]
    gateway.lookups.commission(commission())
    found = await gateway.look()
    assert gateway.asked == WHOLE
    assert (list(found.open_orders), list(found.completed)) == (gateway.open, gateway.completed)
    assert (list(found.executions), list(found.commissions)) == (gateway.executions, [commission()])


async def test_an_answer_holds_what_was_shown_for_its_own_question() -> None:
    """Nothing of an earlier look is left in it."""
    gateway = Gateway()
    gateway.open, gateway.completed, gateway.executions = [report()], [report()], [execution()]
    await gateway.look()
    gateway.open = gateway.completed = gateway.executions = ()
    found = await gateway.look()
    assert (found.open_orders, found.completed, found.executions) == ((), (), ())


async def test_what_is_over_is_not_open_wherever_it_is_listed() -> None:
    """A gateway may list what has just filled among the open orders, and its end may be heard during the look."""
    gateway = Gateway()
    over = report(OrderStatus.CANCELLED, perm_id=PermId(1))
    gateway.open, gateway.completed = [over, report()], [report(OrderStatus.FILLED, perm_id=PermId(2))]
    found = await gateway.look()
    assert found.open_orders == (report(),)
    assert found.completed == (*gateway.completed, over)
    assert await gateway.lookups.open_orders(cast("Asker", gateway)) == (report(),)


async def test_an_order_that_gets_its_perm_id_late_is_one_order() -> None:
    """What was said of it before is not left standing beside what was said after."""
    gateway = Gateway()
    gateway.open = [report(perm_id=PermId(0)), report(OrderStatus.CANCELLED)]
    assert (await gateway.look()).open_orders == ()


@pytest.mark.parametrize("request_", WHOLE)
async def test_a_look_up_that_the_link_did_not_outlive_is_none(request_: str) -> None:
    """What came after the loss may lack what happened meanwhile."""
    gateway = Gateway()
    gateway.lost = request_
    with pytest.raises(GatewayDisconnected):
        await gateway.look()


@pytest.mark.parametrize("request_", WHOLE)
async def test_a_refused_look_up_is_never_an_empty_one(request_: str) -> None:
    """And one that is refused because the API may only read says so."""
    gateway = Gateway()
    gateway.refused = (request_, 322, "Error processing request")
    with pytest.raises(GatewayDisconnected, match="322"):
        await gateway.look()
    gateway.refused = (request_, 321, "The API interface is currently in Read-Only mode.")
    with pytest.raises(ReadOnlyApi):
        await gateway.look()
