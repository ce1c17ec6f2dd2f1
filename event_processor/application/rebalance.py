"""The straight line for one event: look, think, write ahead, act, close."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from event_processor.application import telling
from event_processor.application.bell import Bell
from event_processor.application.desk import Desk
from event_processor.application.ending import close
from event_processor.application.executor import Executor
from event_processor.application.recovery import check_forgotten, described, report_is_ours, strangers, without_refused
from event_processor.application.run import write
from event_processor.domain.closing import Conclusion, conclude, summary
from event_processor.domain.contract import Contract
from event_processor.domain.execution import run_cash
from event_processor.domain.ids import ConId, ExecId, OrderRef
from event_processor.domain.intent import Ending, OrderIntent
from event_processor.domain.limits import breaches
from event_processor.domain.order import Side
from event_processor.domain.plan import Plan
from event_processor.domain.planning import plan_rebalance
from event_processor.domain.policy import AccountRule, ForeignOrders
from event_processor.domain.portfolio import AccountState, PortfolioSnapshot
from event_processor.domain.record import EventRecord, Outcome, OutcomeNote, Stage
from event_processor.domain.schedule import next_open
from event_processor.domain.targets import Untargeted
from event_processor.domain.whereabouts import Place
from event_processor.errors import (
    AccountElsewhere,
    CashSettling,
    ForeignOrdersOpen,
    GatewayDisconnected,
    LimitBreached,
    MarketClosed,
    OrdersSettling,
    PlanError,
)
from event_processor.ports import Lease

_RUNS_RECALLED = 10
"""More runs than an account has within the few minutes for which the broker's cash may be an old one."""


class Rebalance:
    """One event of one account, from wherever its record stands to its end. `record` is as it was last written."""

    def __init__(self, desk: Desk, lease: Lease, record: EventRecord) -> None:
        self._desk, self._lease, self.record = desk, lease, record

    async def run(self) -> EventRecord:
        """The closed record. Any ProcessorError may end the attempt; its disposition says what then."""
        if not self.record.touched:
            plan = await self._plan()
            if self.record.event.data.dry_run:
                return await self._close_dry(plan)
            await self._write_ahead(plan)
        policy = self._desk.rules.policy(self.record.account)
        executor = Executor(self._desk, self._lease, self.record, policy)
        try:
            await executor.run()
        finally:
            self.record = executor.record
        return await self._close()

    # -- look and think ------------------------------------------------------------------------------------

    async def _plan(self) -> Plan:
        desk, event = self._desk, self.record.event
        rule = desk.rules.find(event.data.account)
        desk.rules.check(rule, dry_run=event.data.dry_run)
        await self._check_account()
        portfolio = event.target_portfolio()
        contracts = await desk.broker.resolve([target.query for target in portfolio.targets])
        await self._wait_for_settled_positions()
        await self._recall_last_runs()
        state = await self._state()
        if portfolio.untargeted is Untargeted.LIQUIDATE:
            state = await self._described(state)
        held = [position.contract for position in state.positions if position.contract.stock_like]
        traded = [*contracts.values(), *(held if portfolio.untargeted is Untargeted.LIQUIDATE else ())]
        limits = rule.policy.limits.tightened(event.limits())
        if not event.data.dry_run:
            self._check_hours(traded)
        await self._check_strangers(traded, rule)
        needed = {contract.con_id: contract for contract in (*contracts.values(), *held)}
        age_max = min(float(limits.quote_age_seconds_max), desk.settings.plan_age)
        quotes = await desk.broker.quotes(tuple(needed.values()), age_max)
        snapshot = PortfolioSnapshot(state=state, quotes=quotes, at=desk.clock.now())
        plan = plan_rebalance(self.record.key, self.record.account, portfolio, contracts, snapshot, rule.policy)
        found = breaches(plan, limits)
        if found:
            raise LimitBreached("; ".join(found))
        return plan

    async def _check_account(self) -> None:
        """Nobody's account ends the event, so that is decided by what the others say now."""
        account, logins = self.record.account, self._desk.logins
        if account in self._desk.session.accounts:
            return
        await logins.look()
        found = logins.of(account)
        if found.place is Place.NOWHERE:
            raise PlanError(found.reason, reason_code="account_unknown")
        raise AccountElsewhere(found.reason)

    async def _recall_last_runs(self) -> None:
        """Who gets the account soon after runs of another process has no book of them, but the journal has."""
        desk, account = self._desk, self.record.account
        if desk.book.knows_last_run(account, self._lease.token):
            return
        for last in await desk.journal.last_closed(account, _RUNS_RECALLED):
            if last.outcome is Outcome.NEEDS_REVIEW:
                desk.book.doubted(account)
            elif last.plan is not None and last.closed_at is not None and last.touched:
                ago = (desk.clock.now() - last.closed_at).total_seconds()
                desk.book.verified(account, run_cash(last.plan, last.intents), ago, _executions(last.intents))
        desk.book.asked_journal(account, self._lease.token)

    async def _wait_for_settled_positions(self) -> None:
        bell = Bell()
        while (seconds := self._desk.book.unsettled_seconds(self.record.account, self._desk.settings.settle)) > 0:
            await bell.heard(seconds)

    async def _state(self) -> AccountState:
        try:
            return self._desk.book.corrected(await self._desk.broker.account_state(self.record.account))
        except CashSettling:
            await check_forgotten(self._desk, self.record)  # it may be gone for orders that the journal forgot
            raise

    async def _described(self, state: AccountState) -> AccountState:
        """Positions come without hours and price steps: look those up for what we may sell."""
        held = [p.contract for p in state.positions if p.contract.stock_like]
        known = await self._desk.broker.describe(held)
        return replace(
            state,
            positions=tuple(replace(p, contract=known.get(p.contract.con_id, p.contract)) for p in state.positions),
        )

    def _check_hours(self, contracts: Sequence[Contract]) -> None:
        hours = next_open(contracts, self._desk.clock.now())
        if not hours.open:
            raise MarketClosed(hours.reason, until=hours.opens_at)

    async def _check_strangers(self, contracts: Sequence[Contract], rule: AccountRule) -> None:
        await check_forgotten(self._desk, self.record)
        if rule.policy.foreign_orders is ForeignOrders.IGNORE or self.record.event.data.dry_run:
            return
        con_ids = [contract.con_id for contract in contracts]
        found = strangers(await self._desk.broker.open_orders(), self.record, con_ids)
        found = await without_refused(self._desk, self.record.account, found)
        settling = self._desk.settings.settle + self._desk.settings.visibility_delay
        if (
            found
            and all(report_is_ours(report) for report in found)
            and self._desk.book.traded_within(self.record.account, settling)
        ):
            raise OrdersSettling
        if found:
            raise ForeignOrdersOpen(
                f"orders that are not part of this event are open on contracts it would trade: "
                f"{'; '.join(described(report) for report in found)}. "
                "Cancel them or let them finish, then publish the event again under a new id"
            )

    # -- write ahead ---------------------------------------------------------------------------------------

    async def _write_ahead(self, plan: Plan) -> None:
        """Plan and all intents in one durable write, before anything is sent."""
        intents = tuple(
            OrderIntent(
                ref=OrderRef.derive(self.record.key, self.record.account, leg.number),
                leg=leg,
                quantity=leg.quantity,
            )
            for leg in plan.legs
        )
        planned = replace(self.record, stage=Stage.PLANNED, plan=plan, intents=intents)
        note = OutcomeNote(Outcome.PLANNED, plan.plan_id, self._desk.clock.now(), telling.plan_data(plan))
        self.record = await write(self._desk, self._lease, planned, [note])
        telling.plan_recorded(self._desk, self.record, plan)

    # -- close ---------------------------------------------------------------------------------------------

    async def _close_dry(self, plan: Plan) -> EventRecord:
        now = self._desk.clock.now()
        notes = [OutcomeNote(Outcome.PLANNED, plan.plan_id, now, telling.plan_data(plan))] if plan.legs else []
        kind = Outcome.COMPLETED if plan.legs else Outcome.NO_CHANGE
        done = Conclusion(kind, "dry_run", f"Dry run: the plan has {len(plan.legs)} orders; none was placed.")
        planned = replace(self.record, plan=plan)
        return await close(self._desk, self._lease, planned, done, summary(plan, ()), notes)

    async def _close(self) -> EventRecord:
        plan, intents = self.record.plan, self.record.intents
        assert plan is not None  # noqa: S101 - the executor refuses a record without a plan
        conclusion = conclude(plan, intents)
        if conclusion.outcome is not Outcome.NEEDS_REVIEW and intents:
            wrong = await self._mismatch(plan)
            if wrong:
                conclusion = Conclusion(Outcome.NEEDS_REVIEW, "position_mismatch", wrong)
        if conclusion.outcome is not Outcome.NEEDS_REVIEW and intents:
            book = self._desk.book
            book.verified(self.record.account, run_cash(plan, intents), executions=_executions(intents))
            book.confirm(await self._desk.broker.account_state(self.record.account))
        return await close(self._desk, self._lease, self.record, conclusion, summary(plan, intents))

    async def _mismatch(self, plan: Plan) -> str:
        """Positions against what was held plus what was executed; waits for them to catch up. Empty when equal."""
        bell, desk = Bell(), self._desk
        deadline = desk.clock.monotonic() + desk.settings.settle
        with desk.bell.link(bell):
            while True:
                last = desk.clock.monotonic() >= deadline
                wrong = self._differences(plan, await self._positions(fresh=last))
                if not wrong or last:
                    return wrong
                await bell.heard(0.25)
                if not desk.session.ready:
                    await self._session_back(bell)
                    deadline = desk.clock.monotonic() + desk.settings.settle

    async def _session_back(self, bell: Bell) -> None:
        """Wait for the session, for a while. Then the account is given back: another processor may have one."""
        desk = self._desk
        until = desk.clock.monotonic() + desk.settings.session_patience
        while not desk.session.ready:
            if desk.clock.monotonic() >= until:
                raise GatewayDisconnected(desk.session.advice)
            await bell.heard(5.0)

    async def _positions(self, *, fresh: bool) -> dict[ConId, Decimal]:
        state = await self._desk.broker.account_state(self.record.account, fresh=fresh)
        return {position.contract.con_id: position.quantity for position in state.positions}

    def _differences(self, plan: Plan, actual: dict[ConId, Decimal]) -> str:
        wrong = []
        moved = {i.leg.contract.con_id: i.filled if i.leg.side is Side.BUY else -i.filled for i in self.record.intents}
        held = {line.contract.con_id: line.held for line in plan.lines}
        for con_id, change in moved.items():
            expected = held.get(con_id, Decimal(0)) + change
            if actual.get(con_id, Decimal(0)) != expected and not self._left_open(con_id):
                wrong.append(f"conId {con_id}: {actual.get(con_id, Decimal(0)):f} held, {expected:f} expected")
        if not wrong:
            return ""
        return f"Positions are not explained by the executions: {'; '.join(wrong)}."

    def _left_open(self, con_id: ConId) -> bool:
        return any(i.leg.contract.con_id == con_id and i.ending is Ending.LEFT_OPEN for i in self.record.intents)


def _executions(intents: Iterable[OrderIntent]) -> list[ExecId]:
    return [fill.exec_id for intent in intents for fill in intent.fills]
