"""A doubt from the command line to its end: two orders under one orderRef, shown, settled, and told afterwards."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.gateway import IbkrBroker, IbkrSettings
from event_processor.domain.contract import ContractQuery
from event_processor.domain.ids import AccountId, OrderRef
from event_processor.domain.order import Order, OrderType, Side
from tests.integration.scenarios.conftest import StartStack
from tests.support.stack import ACCOUNT, Stack

SELL_WAITS = """
[[account]]
number = "DU1234567"
cash = { USD = 100 }
holdings = [{ symbol = "SPY", quantity = 80, average_cost = 112.40 }]

[[fault]]
action = "order"
side = "SELL"
never_fill = true
"""
TARGET = [{"symbol": "SPY", "quantity": 50}]


async def double(port: int, ref: str) -> None:
    """Somebody else's order under our orderRef, from another client."""
    broker = IbkrBroker(IbkrSettings(port=port, client_id=99), SystemClock())
    heard = asyncio.Event()
    broker.subscribe(lambda _: heard.set())
    await broker.connect()
    query = ContractQuery(symbol="SPY")
    contract = (await broker.resolve([query]))[query]
    parsed = OrderRef.parse(ref)
    assert parsed is not None
    order = Order(parsed, AccountId(ACCOUNT), contract, Side.SELL, Decimal(1), OrderType.LIMIT, Decimal(9000))
    heard.clear()
    await broker.send_slot()
    broker.place(order, broker.next_order_id())
    await asyncio.wait_for(heard.wait(), 5)
    await broker.disconnect()


@pytest.fixture
def doubtful(start: StartStack) -> tuple[Stack, str]:
    """A stack whose event `one` ended with its only order in doubt, and the orderRef of that."""
    stack = start(SELL_WAITS)
    stack.publish("one", targets=TARGET, completeness="partial")
    [order] = stack.wait_ledger("order_accepted", side="SELL")
    ref = str(order["orderRef"])
    asyncio.run(double(stack.port, ref))
    stack.wait_ledger("order_accepted", 2, side="SELL")
    stack.control("drop")
    final = stack.wait_final("one")
    assert (final["outcome"], final["reason_code"]) == ("needs_review", "outcome_unknown")
    return stack, ref


def settle(stack: Stack, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and answer of `rebalancer reconcile`."""
    done = stack.cli("reconcile", *words, "--json")
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, answer


def test_a_doubled_order_is_shown_and_adopted(doubtful: tuple[Stack, str]) -> None:
    """The line with both orders, the only command that fits, refusals of the others; then the hold is lifted."""
    stack, ref = doubtful
    shown = stack.cli_json("reconcile", ACCOUNT)
    [line], [question] = shown["lines"], shown["accounts"][0]["unsettled"]
    assert (line["order_ref"], line["decision"], line["broker"].count("open (")) == (ref, "unsettled", 2)
    assert question["commands"] == [f"rebalancer reconcile {ACCOUNT} --adopt {ref}"]
    for wrong in ("--abandon", "--resubmit"):
        code, answer = settle(stack, ACCOUNT, wrong, ref)
        assert (code, answer["ok"]) == (1, False), answer
    code, answer = settle(stack, "--account", ACCOUNT, "--adopt", ref, "--by", "ann")
    assert (code, answer["resolution"], answer["by"]) == (0, "adopt", "ann"), answer
    assert stack.cli_json("status")["processor"]["pauses"] == []
    [told] = stack.cli_json("events", "show", "one")
    assert (told["outcome"], told["unsettled"]) == ("needs_review", [])
    assert [(one["subject"], one["resolution"]) for one in told["settlements"]] == [(ref, "adopt")]
    assert [line["name"] for line in told["timeline"]][-1] == "doubt.settled"


def test_orders_cancelled_by_hand_are_resubmitted(doubtful: tuple[Stack, str]) -> None:
    """Both cancelled at the broker: a new event brings the contract to what the plan wanted, asked for twice or not."""
    stack, ref = doubtful
    for entry in stack.ledger("order_accepted", side="SELL"):
        stack.control("cancel_order", perm_id=entry["permId"])
    stack.control("clear_faults")
    code, answer = settle(stack, ACCOUNT, "--resubmit", ref)
    assert (code, answer["follow_up"]) == (0, f"resubmit-{ref}"), answer
    assert settle(stack, ACCOUNT, "--resubmit", ref)[0] == 0
    assert stack.wait_final(f"resubmit-{ref}")["outcome"] == "completed"
    positions = stack.ledger("position", account=ACCOUNT)
    assert Decimal(positions[-1]["quantity"]) == 50
    assert len(stack.ledger("order_accepted", side="SELL")) == 3


def test_a_person_can_read_the_event_from_beginning_to_end(doubtful: tuple[Stack, str]) -> None:
    """The page says what was asked, how it ended, what is unsettled and which command helps, and when what was."""
    stack, ref = doubtful
    page = stack.cli("events", "show", "one").stdout
    for words in ("needs review", "SPY 50 shares", ref, f"rebalancer reconcile {ACCOUNT}", "in doubt", "Timeline"):
        assert words in page, page
    compared = stack.cli("reconcile", ACCOUNT).stdout
    assert "settle with" in compared
    assert "is held" in compared
