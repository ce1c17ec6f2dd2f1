"""Notifications for tests: facts of every kind that people are told, a clock by hand, a receiver that listens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from event_processor.adapters.notifiers.courier import DeliveryFailed
from event_processor.adapters.notifiers.message import Message, Urgency
from event_processor.adapters.notifiers.reader import Reader
from event_processor.adapters.notifiers.words import Words
from event_processor.adapters.observers.plain import mask
from event_processor.domain import facts, login_facts
from event_processor.domain.facts import Fact
from event_processor.domain.ids import AccountId, EntryId, EventKey
from event_processor.domain.record import Outcome
from event_processor.domain.session import ADVICE, SessionState
from event_processor.domain.topics import Topic

ACCOUNT = AccountId("DU1234567")
SECRET = "hunter2"
BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 1, 5, 15, tzinfo=UTC)
SUNDAY = datetime(2026, 1, 11, 6, tzinfo=UTC)

WORDS = Words(mask=lambda text: str(mask(text, (SECRET,))), login_url="http://localhost:6080", zone=UTC)

ORDERS = [
    {"side": "SELL", "symbol": "TLT", "planned": "12", "filled": "12", "state": "done", "ending": "filled", "note": ""},
    {"side": "BUY", "symbol": "SPY", "planned": "10", "filled": "3", "state": "done", "ending": "cancelled"}
    | {"note": "not filled within 120 s"},
]


class HandClock:
    """A clock moved by hand."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Ledger:
    """Counts outcomes of messages."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, message: Message, outcome: str) -> None:
        self.lines.append((message.title, outcome))

    def of(self, outcome: str) -> list[str]:
        return [title for title, found in self.lines if found == outcome]


class Listener:
    """A receiver that keeps what it got; fails while `failing` holds, and never answers while `hanging` holds."""

    def __init__(self, name: str = "1: json://127.0.0.1", *, failing: bool = False, hanging: bool = False) -> None:
        self.name, self.failing, self.hanging = name, failing, hanging
        self.got: list[Message] = []
        self.tries: list[tuple[float, str]] = []

    async def send(self, message: Message) -> None:
        self.tries.append((asyncio.get_running_loop().time(), message.title))
        if self.hanging:
            await asyncio.Event().wait()
        if self.failing:
            raise DeliveryFailed("answered 500")
        self.got.append(message)

    @property
    def titles(self) -> list[str]:
        return [message.title for message in self.got]


def message(
    title: str = "a", urgency: Urgency = Urgency.SOON, topic: Topic = Topic.EVENTS, mark: str = "", text: str = "t"
) -> Message:
    return Message(topic=topic, urgency=urgency, title=title, text=text, mark=mark)


def closed(outcome: Outcome = Outcome.COMPLETED, event_id: str = "e1", reason: str = "", **summary: Any) -> Fact:  # noqa: ANN401
    return facts.EventClosed(
        key=EventKey(f"k-{event_id}"),
        event_id=event_id,
        account=ACCOUNT,
        outcome=outcome,
        reason_code="filled",
        reason=reason or "All 2 orders filled.",
        seconds=7,
        summary=summary,
    )


def waiting(code: str, reason: str, until: datetime | None = None, event_id: str = "e1") -> Fact:
    return facts.EventWaiting(
        key=EventKey(f"k-{event_id}"),
        event_id=event_id,
        account=ACCOUNT,
        reason_code=code,
        reason=reason,
        until=until,
    )


def session(after: SessionState, detail: str = "") -> Fact:
    return facts.SessionChanged(before=SessionState.READY, after=after, code=0, detail=detail, advice=ADVICE[after])


def settled() -> Fact:
    return facts.DoubtSettled(
        key=EventKey("k-e1"),
        event_id="e1",
        account=ACCOUNT,
        subject="rb7f3a-002-1",
        resolution="adopt",
        by="anna",
        shown="",
        follow_up="",
    )


def dead_letter() -> Fact:
    reason = "data.targets is missing."
    return facts.EntryDeadLettered(entry_id=EntryId("1767-0"), reason_code="malformed", reason=reason)


REVIEW = "Not proven either way: BUY SPY 0 of 10."

Example = tuple[str, Sequence[Fact]]

EXAMPLES: tuple[Example, ...] = (
    ("24 hours before the weekly login ends", [login_facts.LoginDue(deadline=SUNDAY, hours=24)]),
    ("1 hour before", [login_facts.LoginDue(deadline=SUNDAY, hours=1)]),
    (
        "each time the gateway asks for the second factor",
        [login_facts.LoginNeeded(since=SUNDAY, prompt=2, seconds=180)],
    ),
    (
        "the market opens soon and nobody is logged in",
        [login_facts.LoginOverdue(since=SUNDAY, opens_at=SUNDAY + timedelta(hours=32), market_open=False)],
    ),
    (
        "the market is open and nobody is logged in",
        [login_facts.LoginOverdue(since=SUNDAY, opens_at=SUNDAY + timedelta(hours=32), market_open=True)],
    ),
    ("the login is there again", [login_facts.LoginDone(since=SUNDAY)]),
    ("an event ends as `needs_review`", [closed(Outcome.NEEDS_REVIEW, reason=REVIEW, orders=ORDERS[1:])]),
    (
        "an account is held",
        [facts.AccountHeld(account=ACCOUNT, reason=f"event e1 needs review: {REVIEW}")],
    ),
    ("a person settled a doubt", [settled()]),
    (
        "a defect stops an account",
        [facts.ProcessorHalted(reason="the stored revision differs", account=ACCOUNT)],
    ),
    ("the processor crashes", [facts.ProcessorStopped(reason="RuntimeError('x')")]),
    (
        "somebody else is logged in",
        [session(SessionState.CONTENDED, "No market data during competing live session")],
    ),
    ("the gateway is gone after that", [session(SessionState.STEPPED_BACK)]),
    ("the API is read-only", [session(SessionState.READ_ONLY)]),
    ("the client id is in use for a minute", [session(SessionState.CLIENT_ID_IN_USE)]),
    (
        "the link to IBKR is away for 5 minutes",
        [session(SessionState.LINK_LOST, "Connectivity between IBKR and TWS has been lost")],
    ),
    ("the gateway does not answer for 5 minutes", [session(SessionState.DOWN)]),
    (
        "one of these is over, and was told",
        [session(SessionState.CONTENDED), session(SessionState.READY)],
    ),
    ("Redis is away for 15 seconds", [facts.StoreLost(reason="Connection refused")]),
    (
        "Redis is back, and its loss was told",
        [facts.StoreLost(reason="Connection refused"), facts.StoreRestored()],
    ),
    (
        "at the start, on paper: Redis is not durable",
        [facts.StoreUnsafe(findings=("appendfsync is everysec: set it to always",))],
    ),
    ("an event ends well", [closed(orders=ORDERS[:1], residual_drift="0.000800")]),
    (
        "an event falls short",
        [closed(Outcome.PARTIAL, reason="Not filled as planned.", orders=ORDERS, residual_drift="0.035000")],
    ),
    (
        "an event waits for a known time",
        [waiting("market_closed", "the market is closed for SPY", SUNDAY + timedelta(hours=32))],
    ),
    (
        "an event waits for 15 minutes for something else",
        [waiting("quotes_unavailable", "no price for SPY: no market data subscription")],
    ),
    ("an entry of the stream is no event", [dead_letter()]),
    (
        "trading is paused",
        [facts.TradingPauseChanged(scope="all", paused=True, reason="moving house")],
    ),
    (
        "a pause is lifted",
        [facts.TradingPauseChanged(scope="all", paused=False, reason="moving house")],
    ),
    ("the processor starts", [facts.ProcessorStarted(version="0.1.0", trading_mode="paper")]),
    ("the processor is stopped", [facts.ProcessorStopped(reason="asked to stop")]),
)
"""When people are told, and the facts that lead to it; the last message is the one meant."""


def told(story: Iterable[Fact], *, hours: float = 1.0) -> Message:
    """What the last of these facts leads to, at once or when it lasts; they are `hours` apart."""
    reader, found = Reader(WORDS), list[Message]()
    for number, fact in enumerate(story):
        at = number * hours * 3600
        at_once, later = reader.read(fact, at), reader.due(at + 0.9 * hours * 3600)
        found = at_once or later
    return found[-1]
