from __future__ import annotations

import itertools

import pytest

from gateway_simulator.reporter import ClientIdInUse
from gateway_simulator.session import MOVES, Door, State
from tests.unit.gateway_simulator.conftest import Listener, World


def test_every_state_can_be_left() -> None:
    """No state of the session is a dead end."""
    for state in State:
        assert any(state in allowed and target is not state for allowed, target in MOVES.values())


def test_a_lost_link_comes_back_by_itself(world: World) -> None:
    """1100 at once, 1102 after the given time, and the session is ready again."""
    world.do("link_down", seconds=6)
    assert world.state() is State.LINK_LOST
    world.wait(5.9)
    assert world.client.codes == [1100]
    world.wait(0.2)
    assert world.client.codes == [1100, 1102]
    assert world.state() is State.READY


def test_a_link_that_lost_data_says_so(world: World) -> None:
    """1101 instead of 1102."""
    world.do("link_down")
    world.wait(1000)
    world.do("link_up", data_kept=False)
    assert world.client.codes == [1100, 1101]


def test_fills_go_on_while_the_link_is_down(world: World) -> None:
    """A working order fills, nobody is told then or later, and look-ups show the old picture until it is back."""
    world.do("order", fill_delay_ms=1000)
    world.place(1)
    world.wait(0.5)
    world.do("link_down", seconds=5)
    world.wait(3)
    assert len(world.sim.ledger.executions()) == 1
    assert world.sim.view().fills == []
    assert len(world.sim.view().open_orders) == 1
    world.wait(10)
    assert world.client.executions == []
    assert len(world.sim.view().fills) == 1


@pytest.mark.parametrize(("orders", "executions"), [("hold", 1), ("lose", 0), ("reject", 0)])
def test_orders_sent_while_the_link_is_down(world: World, orders: str, executions: int) -> None:
    """Held orders reach the exchange when the link is back, lost and rejected ones never."""
    world.do("link_down", seconds=5, orders=orders)
    world.place(1)
    world.wait(4)
    assert world.sim.ledger.executions() == []
    assert world.client.codes == ([1100, 504] if orders == "reject" else [1100])
    world.wait(10)
    assert len(world.sim.ledger.executions()) == executions


def test_a_competing_login_lasts_until_its_owner_leaves(world: World) -> None:
    """1100 again every few seconds while the owner is in, 1102 once when they leave."""
    world.do("compete", every=3)
    world.wait(10)
    assert world.client.codes == [1100] * 4
    world.do("owner_leaves")
    world.wait(60)
    assert world.client.codes == [1100] * 4 + [1102]


def test_a_login_waits_for_the_second_factor(world: World) -> None:
    """Clients are dropped and nothing answers until the approval; then the door is open."""
    world.do("require_login")
    assert world.client.dropped
    assert world.door() is Door.SILENT
    world.wait(179)
    world.do("approve_login")
    assert world.state() is State.READY
    assert world.door() is Door.OPEN
    world.wait(10)
    assert world.state() is State.READY


def test_a_second_factor_expires(world: World) -> None:
    """After three minutes the login has failed; only a new login can be approved."""
    world.do("require_login")
    world.wait(181)
    assert world.state() is State.LOGIN_FAILED
    world.do("require_login", approve_after=5)
    world.wait(6)
    assert world.state() is State.READY


def test_a_restart_moves_the_next_order_id_back(world: World) -> None:
    """Away with the door shut, back by itself; ids of finished orders are used again for new orders."""
    world.place(1)
    world.place(2)
    world.wait(1)
    world.do("restart", seconds=6, ids_back=1)
    assert world.client.dropped
    assert world.door() is Door.SHUT
    world.wait(7)
    assert world.door() is Door.OPEN
    client = Listener(world.sim)
    assert world.sim.connect(client) == 2
    world.client = client
    world.place(2, symbol="TLT")
    world.wait(1)
    assert client.statuses[-1] == "Filled"
    assert len(world.sim.ledger.executions()) == 3


def test_orders_survive_a_restart_and_held_ones_do_not(world: World) -> None:
    """What the exchange has goes on; what the gateway held is gone with its process."""
    world.limit(1, "500.00")
    world.wait(1)
    world.do("link_down", orders="hold")
    world.place(2)
    world.do("restart", seconds=2)
    world.wait(10)
    assert [working.order.order_ref for working in world.sim.view().open_orders] == ["ref-1"]
    assert world.sim.ledger.executions() == []
    assert world.sim.ledger.of("held_messages_lost")[0]["count"] == 1


def test_the_weekly_login_needs_a_second_factor_after_the_restart(world: World) -> None:
    """After the restart the gateway waits for approval."""
    world.do("sunday", seconds=3)
    world.wait(4)
    assert world.state() is State.AWAITING_SECOND_FACTOR
    world.do("approve_login")
    assert world.sim.session.linked


def test_a_client_id_is_taken_once(world: World) -> None:
    """A second connection with the id is refused, also for a while after the first has gone."""
    with pytest.raises(ClientIdInUse):
        world.sim.connect(Listener(world.sim))
    world.do("busy_client_ids", seconds=2)
    world.do("drop")
    with pytest.raises(ClientIdInUse):
        world.sim.connect(Listener(world.sim))
    world.wait(2.1)
    world.sim.connect(Listener(world.sim))


def test_a_door_opens_again_after_its_time(world: World) -> None:
    """Refusing for some seconds ends by itself, unless the door was changed meanwhile."""
    world.do("refuse", seconds=5)
    world.wait(1)
    world.do("silent")
    world.wait(10)
    assert world.door() is Door.SILENT
    world.do("open")
    assert world.door() is Door.OPEN


def test_no_series_of_inputs_breaks_the_session(world: World) -> None:
    """Any three session inputs one after the other are carried out or refused in words, and time goes on."""
    inputs = ["link_down", "link_up", "compete", "owner_leaves", "require_login", "approve_login", "restart"]
    for series in itertools.product(inputs, repeat=3):
        for name in series:
            allowed, _ = MOVES[name]
            if world.state() in allowed:
                world.do(name)
            world.wait(0.5)
    world.wait(400)
    assert world.state() in set(State)
