"""At the end of a run its positions are compared, however late they come and whatever becomes of the session."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from event_processor.application.desk import TradingSettings
from event_processor.domain.facts import LeaseChanged
from event_processor.domain.ids import AccountId
from event_processor.domain.intent import IntentState
from event_processor.domain.portfolio import AccountState
from event_processor.domain.record import EventRecord, Outcome
from tests.support.process import Process
from tests.support.stories import mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

SETTINGS = TradingSettings()


class Story:
    """The mixed event. What the broker tells by itself are the positions of before, for `stale` seconds once all
    orders are done; what it is asked for anew are those of now, unless `deaf`. The session goes for `away` seconds as
    soon as they are compared."""

    def __init__(self, *, stale: float, deaf: bool = False, away: float = 0.0) -> None:
        self._stale, self._deaf, self._away = stale, deaf, away
        self._until: float | None = None
        self._before: AccountState | None = None
        run_virtual(self._run())

    async def _run(self) -> None:
        self.world = World(mixed())
        self._delay_positions(self.world.start())
        self.world.publish(mixed_event())
        await self.world.settle()
        await self.world.close()

    def _delay_positions(self, process: Process) -> None:
        ask = process.desk.broker.account_state

        async def asked(account: AccountId, *, fresh: bool = False) -> AccountState:
            now = await ask(account, fresh=fresh)
            if self._before is None:
                self._before = now
            if self._until is None and self._all_done():
                self._until = self.world.now + self._stale
                asyncio.get_running_loop().call_soon(self._leave)
            late = self._until is not None and self.world.now < self._until
            return replace(now, positions=self._before.positions) if late and (self._deaf or not fresh) else now

        process.desk.broker.account_state = asked  # type: ignore[method-assign]

    def _all_done(self) -> bool:
        intents = [intent for record in self.world.store.records.values() for intent in record.intents]
        return bool(intents) and all(intent.state is IntentState.DONE for intent in intents)

    def _leave(self) -> None:
        if self._away:
            self.world.sim.actions.run("refuse", {"seconds": self._away})
            self.world.sim.actions.run("drop", {})

    @property
    def record(self) -> EventRecord:
        [record] = self.world.store.records.values()
        return record


def test_positions_are_asked_for_anew_before_a_mismatch_is_told() -> None:
    """A change that the broker never told by itself is no mismatch."""
    story = Story(stale=1000)
    assert story.record.outcome is Outcome.COMPLETED


def test_positions_have_their_time_anew_after_an_outage() -> None:
    """What they had of it before, and the outage, do not count."""
    away = SETTINGS.settle * 2
    story = Story(stale=away + SETTINGS.settle / 2, deaf=True, away=away)
    assert story.record.outcome is Outcome.COMPLETED


def test_an_account_is_given_back_when_the_session_stays_away_at_the_end() -> None:
    """Another processor may have one; whoever gets the account back finishes the event, once."""
    story = Story(stale=SETTINGS.settle / 2, away=SETTINGS.session_patience * 2)
    changes = [fact.held for fact in story.world.facts if isinstance(fact, LeaseChanged)]
    assert changes[:3] == [True, False, True]
    assert story.record.outcome is Outcome.COMPLETED
    assert story.world.problems() == []
