"""The journal beside the broker, as a person reads it: every figure of the right order, account and moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest

from event_processor.application.comparison import Account, Held, compared, held, look
from event_processor.application.desk import Desk
from event_processor.domain.ids import AccountId, EventKey, OrderRef, PermId
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.order import OrderStatus, Side
from event_processor.domain.portfolio import AccountState, Position
from event_processor.domain.record import EventRecord, Outcome
from event_processor.domain.reports import Evidence, OrderReport
from event_processor.domain.settlement import Resolution, Settlement, questions
from event_processor.domain.whereabouts import Place, Whereabouts
from event_processor.errors import PlanError
from event_processor.ports import Pause
from tests.support import records
from tests.support.builders import ACCOUNT, AT, contract
from tests.support.making import done, evidence, intent, leg, line, plan_of, report

OTHER = AccountId("DU7654321")
SPY = leg(1, quantity=100)
TLT = leg(2, Side.SELL, 30, contract=contract("TLT", con_id=1002))
DOUBT = intent(IntentState.DONE, SPY, ending=Ending.UNRESOLVED)
HOLD = Pause(ACCOUNT, "not proven", AT, held=True, events=(EventKey("doubtful"),))


def event(name: str, *intents: OrderIntent, **changes: Any) -> EventRecord:  # noqa: ANN401 - any field
    """An event of this id, planned with 10 SPY and 40 TLT held."""
    plan = plan_of(lines=(line(1001, 10, 110), line(1002, 40, 10, symbol="TLT")))
    made = replace(records.accepted(name), key=EventKey(name), plan=plan, intents=intents)
    return replace(made, **changes)


def reviewed(*intents: OrderIntent, reason_code: str = "outcome_unknown", reason: str = "why") -> EventRecord:
    """One that ended as `needs_review`."""
    ended = records.closed(event("doubtful", *intents), Outcome.NEEDS_REVIEW)
    return replace(ended, reason_code=reason_code, reason=reason)


def account(
    *opened: EventRecord,
    doubtful: EventRecord | None = None,
    shown: Evidence | None = None,
    settled: Sequence[Settlement] = (),
    absence_counts: bool = True,
) -> Account:
    """What is seen of the account: 25 TLT and 10 SPY are held now."""
    keeps = Held(None, (), (), tuple(settled))
    if doubtful is not None:
        keeps = Held(HOLD, (doubtful,), questions(doubtful, AT), tuple(settled))
    positions = tuple(
        Position(contract(symbol, con_id=con_id), Decimal(held), Decimal(1))
        for symbol, con_id, held in (("TLT", 1002, 25), ("SPY", 1001, 10))
    )
    return Account(ACCOUNT, shown or evidence(), positions, opened, keeps, absence_counts)


def lines(seen: Account, *names: str) -> list[list[str]]:
    """These columns of every line."""
    return [[str(one[name]) for name in names] for one in compared(seen, ())["lines"]]


def test_a_line_tells_its_own_order() -> None:
    """What was planned, what of it traded, and what the broker shows are three things."""
    sold = replace(done(TLT, 12), note="cancelled by hand")
    working = replace(intent(IntentState.WORKING, SPY), reported_filled=Decimal(7))
    shown = evidence(open_orders=[report(of=working, filled=7, perm_id=PermId(5))])
    seen = account(event("open", sold, working), shown=shown)
    assert lines(seen, "event_id", "order_ref", "symbol", "side", "planned", "filled", "state", "broker") == [
        ["open", str(sold.ref), "TLT", "SELL", "30", "12", "done", "not shown"],
        ["open", str(working.ref), "SPY", "BUY", "100", "7", "working", "open (Submitted, permId 5)"],
    ]
    assert lines(seen, "decision", "reason") == [
        ["done", "cancelled by hand"],
        ["adopt", "open at the broker as Submitted"],
    ]


def test_an_order_that_is_over_is_said_to_be_so_and_how() -> None:
    """Without a note by its ending; it is not looked for at the broker once more."""
    assert lines(account(event("open", done(TLT))), "decision", "reason") == [["done", "filled"]]


def test_events_that_hold_the_account_stand_before_its_open_ones() -> None:
    """Both are shown, and an event that is both stands once."""
    doubtful = reviewed(DOUBT)
    seen = account(event("open", done(TLT)), doubtful, doubtful=doubtful)
    assert lines(seen, "event_id") == [[doubtful.event.id], ["open"]]


def test_absence_counts_only_in_a_session_that_is_old_enough() -> None:
    """An order that is not shown is waited for at first; then the position has the last word, and here it has not
    moved since the plan."""
    sent = intent(IntentState.UNKNOWN, SPY)
    assert lines(account(event("open", sent), absence_counts=False), "decision") == [["wait"]]
    assert lines(account(event("open", sent)), "decision") == [["resubmit"]]


def test_a_position_that_moved_forbids_to_take_an_order_for_absent() -> None:
    """40 were held before and 25 are now, so that some of the sale may have traded; once that is known it is told."""
    [[decision, reason]] = lines(account(event("open", intent(IntentState.UNKNOWN, TLT))), "decision", "reason")
    assert (decision, "the position is 25 where 40 held and 0 filled" in reason) == ("escalate", True), reason
    part = replace(done(TLT, 15), state=IntentState.WORKING, ending=None)
    assert lines(account(event("open", part)), "decision") == [["settle"]]


def test_a_question_tells_what_was_held_before_and_now() -> None:
    """Of its own contract, with what was ordered and how often it was sent."""
    doubt = intent(IntentState.DONE, TLT, ending=Ending.UNRESOLVED, sent=2, note="no answer")
    [question] = compared(account(doubtful=reviewed(doubt)), ())["unsettled"]
    assert question["reason"] == "no answer"
    assert question["known"] == "SELL 30 TLT, sent 2 times; the broker shows nothing of it; 40 held before, 25 now"
    command = f"rebalancer reconcile {ACCOUNT}"
    assert question["commands"] == [f"{command} --abandon {doubt.ref}", f"{command} --resubmit {doubt.ref}"]
    assert lines(account(doubtful=reviewed(doubt)), "decision", "reason") == [["unsettled", "no answer"]]


def test_what_was_settled_is_no_question_any_more() -> None:
    """Its line says how and by whom; the one beside it is still asked about."""
    other = intent(IntentState.DONE, TLT, ending=Ending.UNRESOLVED)
    word = Settlement(str(DOUBT.ref), EventKey("doubtful"), str(DOUBT.ref), Resolution.ABANDON, "ann", AT, "nothing")
    seen = account(doubtful=reviewed(DOUBT, other), settled=[word])
    assert lines(seen, "decision", "reason") == [
        ["settled", "abandon by ann"],
        ["unsettled", "not proven either way"],
    ]
    assert [one["subject"] for one in compared(seen, ())["unsettled"]] == [str(other.ref)]


@pytest.mark.parametrize(("reason", "words"), [("two cents off", "two cents off"), ("", HOLD.reason)])
def test_an_event_is_asked_about_with_its_reason_or_that_of_the_hold(reason: str, words: str) -> None:
    """Nothing is open, so a person may accept it."""
    record = reviewed(reason_code="position_mismatch", reason=reason)
    [question] = compared(account(doubtful=record), ())["unsettled"]
    assert (question["reason"], question["known"]) == (words, "none of its orders is open at the broker")
    assert question["commands"] == [f"rebalancer reconcile {ACCOUNT} --accept {record.event.id}"]


def test_an_event_with_an_order_alive_is_not_offered_for_acceptance() -> None:
    """Also when the journal does not know the order."""
    record = reviewed(reason_code="position_mismatch")
    alive = str(OrderRef.derive(record.key, ACCOUNT, 9))
    seen = account(doubtful=record, shown=evidence(open_orders=[report(order_ref=alive)]))
    [question] = compared(seen, ())["unsettled"]
    assert (question["known"], question["commands"]) == (f"open at the broker: {alive}", [])


def test_strangers_are_open_orders_of_this_account_that_no_event_shown_has() -> None:
    """Each with its own words; those of another account of the login are not shown here."""
    stranger: OrderReport = report(
        OrderStatus.PRE_SUBMITTED,
        order_ref="by hand",
        perm_id=PermId(5),
        client_id=3,
        symbol="GLD",
        quantity=Decimal(4),
    )
    bare = replace(stranger, order_ref="", side=None, quantity=None)
    working = intent(IntentState.WORKING, SPY)
    shown = evidence(
        open_orders=[
            report(of=DOUBT, perm_id=PermId(1)),
            report(of=working),
            stranger,
            replace(stranger, account=OTHER),
            bare,
        ]
    )
    seen = account(event("open", working), doubtful=reviewed(DOUBT), shown=shown)
    told = {
        "order_ref": "by hand",
        "perm_id": 5,
        "client_id": 3,
        "side": "BUY",
        "symbol": "GLD",
        "quantity": "4",
        "status": "PreSubmitted",
    }
    assert compared(seen, ())["strangers"] == [told, {**told, "order_ref": "", "side": None, "quantity": None}]


def test_positions_and_pauses_are_those_of_the_account() -> None:
    """A pause of everything counts here, too; one of another account does not."""
    pauses = [Pause("all", "lunch", AT), HOLD, Pause(OTHER, "theirs", AT)]
    told = compared(account(), pauses)
    assert told["account"] == ACCOUNT
    assert told["positions"] == [
        {"symbol": "TLT", "con_id": 1002, "quantity": "25"},
        {"symbol": "SPY", "con_id": 1001, "quantity": "10"},
    ]
    assert told["pauses"] == [
        {"scope": "all", "reason": "lunch", "held": False},
        {"scope": ACCOUNT, "reason": "not proven", "held": True},
    ]


class Books:
    """The desk, as far as it is looked from there at one account; the session has been ready for so many seconds."""

    def __init__(self, *pauses: Pause, ready_seconds: float = 60.0, accounts: Sequence[AccountId] = (ACCOUNT,)) -> None:
        self.journal = self.session = self.clock = self.broker = self.settings = self.logins = self
        self.accounts, self.ready_since, self.visibility_delay = accounts, 1000.0, 5.0
        self._now, self._pauses = 1000.0 + ready_seconds, pauses
        self._reason = "nobody was asked"

    def monotonic(self) -> float:
        return self._now

    async def account_state(self, _: AccountId, *, fresh: bool) -> AccountState:
        assert fresh
        return AccountState(ACCOUNT, AT, "USD", Decimal(0), Decimal(0), ())

    async def open_records(self, _: AccountId) -> Sequence[EventRecord]:
        return [event("open")]

    async def settlements(self, _: AccountId) -> Sequence[Settlement]:
        return []

    async def pauses(self) -> Sequence[Pause]:
        return self._pauses

    async def find(self, key: EventKey) -> EventRecord | None:
        return reviewed(DOUBT) if key == "doubtful" else None

    async def look(self) -> None:
        self._reason = "it is in the login of two"

    def of(self, _: AccountId) -> Whereabouts:
        return Whereabouts(Place.ELSEWHERE, self._reason)


async def keeps(*pauses: Pause) -> Held:
    """What holds the account under these pauses."""
    return await held(cast("Desk", Books(*pauses)), ACCOUNT)


async def test_only_its_own_hold_holds_an_account() -> None:
    """A pause that a person set, for lunch, and the hold of another account ask nothing of anybody."""
    by_hand, theirs = Pause(ACCOUNT, "lunch", AT, events=HOLD.events), replace(HOLD, scope=OTHER)
    assert await keeps(by_hand, theirs) == Held(None, (), (), ())
    found = await keeps(by_hand, theirs, HOLD)
    assert (found.pause, [question.subject for question in found.asked]) == (HOLD, [str(DOUBT.ref)])


async def test_an_event_that_is_not_kept_any_more_asks_nothing() -> None:
    """The others of the hold still do."""
    found = await keeps(replace(HOLD, events=(EventKey("long gone"), EventKey("doubtful"))))
    assert [record.key for record in found.events] == ["doubtful"]


@pytest.mark.parametrize(("seconds", "counts"), [(0.0, False), (4.9, False), (5.0, True)])
async def test_absence_counts_after_the_whole_visibility_delay(seconds: float, counts: bool) -> None:
    """Of the session as it is now."""
    seen = await look(cast("Desk", Books(ready_seconds=seconds)), ACCOUNT, evidence())
    assert (seen.absence_counts, [record.key for record in seen.events]) == (counts, ["open"])


async def test_where_an_account_is_that_is_not_here_is_asked_first() -> None:
    """What was heard of the other logins before may be old."""
    with pytest.raises(PlanError, match="in the login of two") as refused:
        await look(cast("Desk", Books(accounts=(OTHER,))), ACCOUNT, evidence())
    assert refused.value.reason_code == "account_unknown"
