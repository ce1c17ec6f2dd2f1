from __future__ import annotations

import pytest

from gateway_simulator import scenario
from gateway_simulator.actions import ActionError
from gateway_simulator.events import Executed, StatusReported
from gateway_simulator.faults import FaultBook, LookupRule
from tests.unit.gateway_simulator.conftest import MakeWorld, World


def test_an_order_accepted_and_dropped_is_found_again(world: World) -> None:
    """Dropped between acceptance and acknowledgement, the order lives on and look-ups show it by its orderRef."""
    world.do("order", drop="accepted", count=1)
    world.limit(1, "500.00")
    assert world.client.dropped
    assert world.client.heard == []
    world.again()
    world.wait(1)
    assert [working.order.order_ref for working in world.sim.view().open_orders] == ["ref-1"]


def test_an_order_dropped_on_arrival_does_not_exist(world: World) -> None:
    """Dropped before it was read, the order is nowhere, and the ledger says it was lost."""
    world.do("order", drop="received", count=1)
    world.place(1)
    world.wait(10)
    assert world.client.dropped
    assert world.sim.book.orders == []
    assert [entry["orderRef"] for entry in world.sim.ledger.of("order_lost")] == ["ref-1"]


def test_a_swallowed_order_is_never_heard_of(world: World) -> None:
    """Only the second order is swallowed: no report about it and no execution, the connection stays."""
    world.do("order", swallow=True, skip=1, count=1)
    world.place(1)
    world.place(2)
    world.wait(10)
    assert not world.client.dropped
    assert [entry["orderRef"] for entry in world.sim.ledger.executions()] == ["ref-1"]
    assert world.sim.desk.ids.next(1) == 3


def test_fills_while_the_client_is_away_are_not_replayed(world: World) -> None:
    """A fill of a disconnected client's order is told to nobody and found among the executions."""
    world.do("order", fill_delay_ms=500)
    world.place(1)
    world.wait(0.1)
    world.do("drop")
    world.wait(2)
    back = world.again()
    world.wait(10)
    assert back.heard == []
    assert [fill[0].order_ref for fill in world.sim.view().fills] == ["ref-1"]


def test_a_partial_fill_is_completed_later(world: World) -> None:
    """Two fifths at once, the rest after two seconds, in two executions of one order."""
    world.do("order", fill_fraction=0.4, rest_after_ms=2000)
    world.place(1)
    world.wait(1)
    assert world.client.statuses[-1] == "Submitted"
    world.wait(2)
    assert world.client.statuses[-1] == "Filled"
    assert [entry["shares"] for entry in world.sim.ledger.executions()] == ["4", "6"]


def test_a_partial_fill_can_stay_partial(world: World) -> None:
    """Without a time for the rest nothing more is filled, until it is released."""
    world.do("order", fill_fraction=0.5)
    world.place(1)
    world.wait(3600)
    assert len(world.client.executions) == 1
    assert world.do("release") == {"released": 1}
    assert len(world.client.executions) == 2


def test_a_never_filling_order_can_be_cancelled(world: World) -> None:
    """Orders in the named symbol rest for ever, others fill; a cancel ends the resting one."""
    world.do("order", symbol="TLT", never_fill=True)
    world.place(1, symbol="TLT")
    world.place(2, symbol="SPY")
    world.wait(3600)
    assert [entry["symbol"] for entry in world.sim.ledger.executions()] == ["SPY"]
    world.sim.desk.cancel(1, 1)
    world.wait(1)
    assert world.client.statuses[-1] == "Cancelled"


def test_reports_can_be_late(world: World) -> None:
    """With a delay of three seconds the order is filled at once and nobody hears of it before."""
    world.do("order", delay_ms=3000)
    world.place(1)
    world.wait(2.9)
    assert world.client.statuses == []
    assert len(world.sim.ledger.executions()) == 1
    world.wait(1)
    assert world.client.statuses == ["PreSubmitted", "Submitted", "Filled", "Filled"]


def test_executions_can_come_first_twice_and_reversed(world: World) -> None:
    """Executions overtake the acknowledgement, come twice, and the reports of a fill come in reverse order."""
    world.do("order", executions_first=True, executions_twice=True, reports_reversed=True, ack_twice=True)
    world.place(1)
    world.wait(1)
    assert len(world.client.executions) == 2
    first_execution = next(i for i, event in enumerate(world.client.heard) if isinstance(event, Executed))
    first_ack = next(
        i
        for i, event in enumerate(world.client.heard)
        if isinstance(event, StatusReported) and event.status == "PreSubmitted"
    )
    assert first_execution < first_ack
    assert world.client.statuses.count("PreSubmitted") == 2
    assert len(world.sim.ledger.executions()) == 1


def test_a_lost_acknowledgement_is_not_told_but_the_fill_is(world: World) -> None:
    """Without acknowledgement the first thing heard of an order is its fill."""
    world.do("order", ack_lost=True)
    world.place(1)
    world.wait(0.02)
    assert world.client.heard == []
    world.wait(1)
    assert world.client.statuses == ["Filled", "Filled"]


def test_an_order_can_be_rejected_at_will(world: World) -> None:
    """The given code and text reach the client, with the order Inactive."""
    world.do("order", reject_code=201, reject_text="Order rejected - reason:not today")
    world.place(1)
    world.wait(1)
    assert world.client.codes == [201]
    assert world.client.statuses == ["Inactive"]


def test_look_ups_can_lag(make_world: MakeWorld) -> None:
    """For a moment an accepted and a filled order are in neither open orders nor executions."""
    world = make_world(latency={"lookup_ms": 300, "positions_ms": 400, "account_ms": 3000})
    world.place(1)
    world.wait(0.1)
    view = world.sim.view()
    assert (view.open_orders, view.completed, view.fills) == ([], [], [])
    world.wait(0.25)
    assert len(world.sim.view().fills) == 1
    assert world.sim.view().positions["DU1234567"] == []
    world.wait(0.2)
    assert len(world.sim.view().positions["DU1234567"]) == 1
    assert world.sim.bank.published("DU1234567").cash("USD") == 100_000
    world.wait(3)
    assert world.sim.bank.published("DU1234567").cash("USD") < 95_000


def test_look_up_rules_count_and_match() -> None:
    """A rule holds for its kind of request and its number of times; a star matches every kind."""
    book = FaultBook()
    book.add_lookup_rule(LookupRule("positions", count=1, silent=True))
    book.add_lookup_rule(LookupRule("*", delay_ms=7))
    assert book.treatment("executions").delay_ms == 7
    assert book.treatment("positions").silent
    assert not book.treatment("positions").silent
    book.clear()
    assert book.treatment("positions").delay_ms == 0


@pytest.mark.parametrize(
    ("action", "parameters", "words"),
    [
        ("expode", {}, "unknown action"),
        ("price", {"symbol": "SPY"}, "needs price"),
        ("price", {"symbol": "SPY", "price": "cheap"}, "must be a decimal"),
        ("price", {"symbol": "SPY", "price": "-1"}, "above zero"),
        ("price", {"symbol": "NOSUCH", "price": "1"}, "0 contracts"),
        ("drop", {"speed": 4}, "no parameter speed"),
        ("order", {"symbol": "SPY"}, "say at least one of"),
        ("order", {"drop": "later"}, "drop is one of"),
        ("lookup", {"request": "the_weather"}, "request is one of"),
        ("owner_leaves", {}, "not possible while the session is ready"),
        ("approve_login", {}, "not possible"),
        ("compete", {"orders": "eat"}, "not a valid Orders"),
    ],
)
def test_a_wrong_action_is_refused_in_words(
    world: World, action: str, parameters: dict[str, object], words: str
) -> None:
    """A mistake in an action says what is wrong and changes nothing."""
    with pytest.raises(ActionError, match=words):
        world.do(action, **parameters)
    assert world.sim.ledger.of("action") == []


def test_faults_of_a_scenario_wait_for_their_trigger(make_world: MakeWorld) -> None:
    """By orders accepted, by executions, by symbol and by time; each fires once."""
    faults = [
        {"action": "price", "symbol": "GLD", "price": 1, "after_orders_accepted": 2},
        {"action": "price", "symbol": "GLD", "price": 2, "after_executions": 2, "at_seconds": 5},
        {"action": "price", "symbol": "GLD", "price": 3, "on_symbol": "TLT"},
        {"action": "price", "symbol": "GLD", "price": 4, "at_seconds": 100},
    ]
    world = make_world(fault=faults)
    world.place(1)
    world.place(2)
    world.wait(10)
    world.place(3, symbol="TLT")
    world.place(4, symbol="TLT")
    world.wait(100)
    assert [entry["price"] for entry in world.sim.ledger.of("action")] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("name", scenario.names())
def test_shipped_scenarios_run(name: str) -> None:
    """Each shipped scenario is well-formed and says what it is about."""
    assert scenario.load(name).description.endswith(".")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"latenci": {}}, "unknown latenci"),
        ({"latency": {"ack": 1}}, "unknown ack"),
        ({"latency": {"ack_ms": "soon"}}, "must be of type int"),
        ({"market": {"hours": "lunch"}}, "must be one of"),
        ({"market": {"data": "free"}}, "must be live"),
        ({"account": [{"cash": {"USD": "much"}}]}, "must be a number"),
        ({"fault": [{"action": "explode"}]}, "unknown action"),
        ({"fault": [{"action": "drop", "speed": 1}]}, "no parameter speed"),
    ],
)
def test_a_scenario_with_a_mistake_is_refused_in_words(table: dict[str, object], words: str) -> None:
    """The message names the place and the mistake."""
    with pytest.raises(scenario.ScenarioError, match=words):
        scenario.parse("test", table)


def test_an_unknown_scenario_names_the_known_ones() -> None:
    """A name that is neither shipped nor a file is refused with the list."""
    with pytest.raises(scenario.ScenarioError, match="plain, closed-market"):
        scenario.load("no-such-scenario")


def test_faults_can_be_cleared(world: World) -> None:
    """After clearing, new orders are treated as usual."""
    world.do("order", never_fill=True)
    world.do("clear_faults")
    world.place(1)
    world.wait(1)
    assert world.client.statuses[-1] == "Filled"


def test_the_broker_can_cancel_by_itself(world: World) -> None:
    """A working order ends with 202 and Cancelled though nobody asked; an unknown permId is refused."""
    world.limit(1, "500.00")
    world.wait(1)
    world.do("cancel_order", perm_id=world.sim.book.orders[0].order.perm_id)
    assert world.client.statuses[-1] == "Cancelled"
    assert world.client.codes == [202]
    with pytest.raises(ActionError, match="no working order"):
        world.do("cancel_order", perm_id=1)
