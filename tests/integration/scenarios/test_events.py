"""Events that are repeated, wrong, too late, refused, or overtaken by a newer one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.scenarios.conftest import StartStack
from tests.support.ledger_judge import check_ledger
from tests.support.stack import DEAD, EVENTS, OUTCOMES, Entry, Stack, envelope

TWO = {"SPY": 0.5, "TLT": 0.45}
LIVE = "accounts: {{income: {{account: U1234567, armed: {armed}}}}}"


def dead_letters(stack: Stack, count: int) -> list[Entry]:
    """All dead letters, once there are so many."""
    stack.until(lambda: stack.redis.xlen(DEAD) >= count, f"{count} dead letters")
    found: Any = stack.redis.xrange(DEAD)
    return [fields for _, fields in found]


def at(**shift: float) -> str:
    """This much from now, as an event writes it."""
    return (datetime.now(UTC) + timedelta(**shift)).isoformat()


def test_a_repeated_event_has_no_further_effect(start: StartStack) -> None:
    """Before, while and after it is carried out: same source and id, same content, one run; the order of keys
    and the time of the envelope make no difference."""
    stack = start(started=False)
    stack.publish("one", TWO)
    stack.publish("one", TWO)
    stack.start()
    stack.wait_outcome("one", "accepted")
    stack.publish("one", TWO)
    stack.wait_final("one")
    again = dict(reversed(envelope("one", TWO).items()))
    stack.publish_raw(json.dumps({**again, "time": at()}))
    stack.wait_log("event.repeated", seconds=10)
    check_ledger(stack, {"one": "completed"})
    assert len(stack.ledger("order_received")) == 2


def test_the_same_id_with_another_body_is_a_conflict(start: StartStack) -> None:
    """The first one counts; the other is kept whole as a dead letter, and another source is another event."""
    stack = start()
    stack.publish("one", TWO)
    stack.wait_final("one")
    stack.publish_raw(json.dumps(envelope("one", {"SPY": 0.1, "TLT": 0.85})))
    [letter] = dead_letters(stack, 1)
    assert "another body" in letter["reason"]
    stack.publish_raw(json.dumps({**envelope("one", TWO), "source": "/tests/elsewhere"}))
    stack.wait_outcome("one", "no_change")
    assert len(stack.ledger("order_received")) == 2
    assert [data["outcome"] for data in stack.outcomes("one") if data["event_source"] == "/tests/scenarios"].count(
        "completed"
    ) == 1


def test_malformed_entries_go_whole_to_the_dead_letters(start: StartStack) -> None:
    """Each says which field, and why; the good event behind them is carried out."""
    stack = start()
    wrong = envelope("bad", TWO)
    bodies = {
        "JSON": "{not json",
        "data.targetz": json.dumps({**wrong, "data": {**wrong["data"], "targetz": []}}),
        "weight": json.dumps(envelope("bad", TWO)).replace("0.45", "NaN"),
        "0.55": json.dumps(envelope("bad", {"SPY": 0.5}, cash={"reserve": 0.05})),
        "SPY": json.dumps(envelope("bad", targets=[{"symbol": "SPY", "weight": 0.5}] * 2)),
        "262,144": json.dumps(envelope("bad", TWO, reason="x" * 300_000)),
        "finite number": json.dumps(wrong).replace("0.45", "1e9999999999999"),
    }
    for body in bodies.values():
        stack.publish_raw(body)
    stack.redis.xadd(EVENTS, {"events": "misspelt", "more": "fields"})
    stack.publish("good", TWO)
    letters = dead_letters(stack, len(bodies) + 1)
    for (word, body), letter in zip(bodies.items(), letters, strict=False):
        assert letter["event"] == body
        assert word in letter["reason"]
    assert json.loads(letters[-1]["event"]) == {"events": "misspelt", "more": "fields"}
    stack.wait_final("good")
    check_ledger(stack, {"good": "completed"}, dead=len(letters))


def test_a_dead_letter_can_be_put_back(start: StartStack) -> None:
    """`rebalancer events retry` puts it on the stream once more; still wrong, it is buried once more."""
    stack = start()
    stack.publish_raw("{not json")
    dead_letters(stack, 1)
    [letter] = stack.cli_json("events")["dead"]
    assert stack.cli("events", "retry", letter["dead_id"]).returncode == 0
    assert [found["event"] for found in dead_letters(stack, 2)] == ["{not json"] * 2
    assert stack.cli("events", "retry", "0-1").returncode == 1
    check_ledger(stack, {}, dead=2)


def test_expired_and_superseded_events_place_nothing(start: StartStack) -> None:
    """Waiting while nobody consumed: the newest event of the account counts, what was too late is told so."""
    stack = start(started=False)
    stack.publish("late", {"SPY": 1}, expires_at=at(seconds=-1))
    stack.publish("old", {"GLD": 1})
    stack.publish("new", TWO)
    stack.start()
    for event_id in ("late", "old", "new"):
        stack.wait_final(event_id)
    check_ledger(stack, {"late": "expired", "old": "superseded", "new": "completed"})
    assert {order["symbol"] for order in stack.ledger("order_received")} == {"SPY", "TLT"}


def test_an_event_expires_while_it_waits(start: StartStack) -> None:
    """The gateway is away for longer than the event lives: it ends expired, and says what it waited for."""
    stack = start('[[fault]]\naction = "refuse"\n')
    stack.publish("one", TWO, expires_at=at(seconds=4))
    final = stack.wait_final("one")
    check_ledger(stack, {"one": "expired"})
    assert "gateway" in final["reason"]


def test_an_event_is_not_started_before_its_time(start: StartStack) -> None:
    """`not_before` is kept, to the second."""
    stack = start()
    moment = datetime.now(UTC) + timedelta(seconds=4)
    stack.publish("one", TWO, not_before=moment.isoformat())
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert all(datetime.fromisoformat(order["time"]) >= moment for order in stack.ledger("order_received"))


def test_contracts_that_cannot_be_had_and_limits_fail_the_event(start: StartStack) -> None:
    """Unknown, not in this currency, an option, or beyond a limit: the event fails whole, says why, places nothing."""
    stack = start()
    stack.publish("unknown", {"NOSUCH": 0.5, "SPY": 0.5})
    stack.wait_final("unknown")
    stack.publish("currency", targets=[{"symbol": "SPY", "currency": "EUR", "weight": 1}])
    stack.wait_final("currency")
    stack.publish("option", targets=[{"con_id": 700000001, "weight": 1}])
    stack.wait_final("option")
    stack.publish("limit", TWO, limits={"max_order_value": 10000})
    codes = {event_id: stack.wait_final(event_id) for event_id in ("unknown", "currency", "option", "limit")}
    check_ledger(stack, dict.fromkeys(codes, "failed"))
    assert {event_id: data["reason_code"] for event_id, data in codes.items()} == {
        "unknown": "contract_unresolved",
        "currency": "contract_unresolved",
        "option": "plan",
        "limit": "limit_breached",
    }
    assert "NOSUCH" in codes["unknown"]["reason"]
    assert stack.ledger("order_received") == []


def test_a_symbol_of_two_markets_is_the_one_in_the_events_currency(start: StartStack) -> None:
    """ABC trades in New York and in Frankfurt: without a word it means the one in dollar."""
    stack = start()
    stack.publish("one", {"ABC": 0.1, "SPY": 0.8})
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert {order["conId"] for order in stack.ledger("order_accepted", symbol="ABC")} == {800000001}


def test_an_ambiguous_symbol_is_refused_until_it_is_told_apart(start: StartStack) -> None:
    """TWIN is two shares in dollar: nothing is guessed, the reason names both, the primary exchange decides."""
    stack = start()
    stack.publish("one", {"TWIN": 0.2, "SPY": 0.7})
    refused = stack.wait_final("one")
    assert (refused["outcome"], refused["reason_code"]) == ("failed", "contract_unresolved")
    assert "TWIN@NYSE" in refused["reason"]
    assert "TWIN@NASDAQ" in refused["reason"]
    assert stack.ledger("order_received") == []
    stack.publish("two", targets=[{"symbol": "TWIN", "primary_exchange": "NASDAQ", "weight": 1}])
    stack.wait_final("two")
    check_ledger(stack, {"one": "failed", "two": "completed"})
    assert {order["conId"] for order in stack.ledger("order_accepted")} == {800000006}


def test_a_live_account_is_refused_in_paper_mode(start: StartStack) -> None:
    """Whatever the accounts file says: rejected before anything is looked up."""
    stack = start("live-account", accounts=LIVE.format(armed="true"))
    stack.publish("one", TWO, account="U1234567")
    final = stack.wait_final("one")
    check_ledger(stack, {"one": "rejected"})
    assert final["reason_code"] == "trading_mode"
    assert stack.ledger("order_received") == []


def test_only_an_armed_account_of_the_file_trades_in_live_mode(start: StartStack) -> None:
    """By its alias the armed one is traded; unknown names and numbers are rejected."""
    stack = start("live-account", accounts=LIVE.format(armed="true"), TRADING_MODE="live")
    for account in ("DU1234567", "nobody", "income"):
        stack.publish(account, TWO, account=account)
    codes = {account: stack.wait_final(account)["reason_code"] for account in ("DU1234567", "nobody", "income")}
    check_ledger(stack, {"DU1234567": "rejected", "nobody": "rejected", "income": "completed"})
    assert (codes["DU1234567"], codes["nobody"]) == ("account_unknown", "account_unknown")


def test_an_account_that_is_not_armed_gets_dry_runs(start: StartStack) -> None:
    """Looking is allowed before arming: the plan comes, no order goes; a real event is rejected."""
    stack = start("live-account", accounts=LIVE.format(armed="false"), TRADING_MODE="live")
    stack.publish("dry", TWO, account="income", dry_run=True)
    stack.publish("real", TWO, account="income")
    assert stack.wait_final("real")["reason_code"] == "not_armed"
    stack.wait_final("dry")
    check_ledger(stack, {"dry": "completed", "real": "rejected"})
    assert stack.ledger("order_received") == []


def test_outcomes_are_cloud_events_that_any_reader_can_check(start: StartStack) -> None:
    """Each entry holds one field with one envelope, of the agreed type, about the account."""
    stack = start()
    stack.publish("one", TWO)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    entries: Any = stack.redis.xrange(OUTCOMES)
    for _, fields in entries:
        assert set(fields) == {"event"}
        told = json.loads(fields["event"])
        assert (told["specversion"], told["source"], told["subject"]) == ("1.0", "rebalancer", "DU1234567")
        assert datetime.fromisoformat(told["time"]).tzinfo is not None
