"""`rebalancer events` and `rebalancer orders`: what the journal knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, Any

import typer

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.journal import RedisJournal
from event_processor.adapters.redis.views import DeadLetter, RedisViews
from event_processor.application.telling import plan_data
from event_processor.domain.ids import AccountId
from event_processor.domain.intent import OrderIntent
from event_processor.domain.record import EventRecord
from event_processor.domain.settlement import questions, unsettled
from event_processor.entrypoints.cli import event_page
from event_processor.entrypoints.cli.control import ALL, account_of
from event_processor.entrypoints.cli.event_story import Story, executions, states, waits
from event_processor.entrypoints.cli.exits import EPILOG, Exit
from event_processor.entrypoints.cli.running import carry_out, connected
from event_processor.entrypoints.cli.screen import age, note, out, print_json, say, table

LIMIT = 20

events = typer.Typer(help="List events, show one, put a dead letter back.", invoke_without_command=True)

Limit = Annotated[int, typer.Option(help="How many at most", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
AccountName = Annotated[str, typer.Option("--account", help="Alias or account number")]


@events.callback()
def list_events(
    context: typer.Context,
    *,
    account: AccountName = ALL,
    open_only: Annotated[bool, typer.Option("--open", help="Only those not closed")] = False,
    limit: Limit = LIMIT,
    as_json: AsJson = False,
) -> None:
    """List events, latest first, and the dead letters."""
    if context.invoked_subcommand is not None:
        return

    async def work() -> Exit:
        only = None if account == ALL else AccountId(account_of(account))
        async with connected() as link:
            views = RedisViews(link)
            records = await views.recent_events(limit, only, open_only=open_only)
            dead = [] if open_only else await views.dead_letters(limit)
        if as_json:
            print_json(
                {"events": [event_json(record) for record in records], "dead": [_dead_json(one) for one in dead]}
            )
        else:
            _show_list(records, dead)
        return Exit.OK

    carry_out(work)


@events.command("show", epilog=EPILOG)
def show(
    event_id: Annotated[str, typer.Argument(help="Id of the event, or its key")], *, as_json: AsJson = False
) -> None:
    """Show one event whole: what was asked, what came of it, why it waited, orders, executions, timeline."""

    async def work() -> Exit:
        async with connected() as link:
            stories = [await _story(link, record) for record in await RedisViews(link).events_named(event_id)]
        if not stories:
            note(f"no event {event_id!r} is known; rebalancer events lists them, dead letters included")
            return Exit.FAILED
        if as_json:
            print_json([_story_json(story) for story in stories])
        else:
            for story in stories:
                event_page.show(story)
        return Exit.OK

    carry_out(work)


@events.command("retry", epilog=EPILOG)
def retry(
    entry_id: Annotated[str, typer.Argument(help="Id of the dead letter, as `rebalancer events` shows it")],
) -> None:
    """Put a dead letter back on the event stream, as its newest entry."""

    async def work() -> Exit:
        async with connected() as link:
            views = RedisViews(link)
            new_id = await views.retry_dead(entry_id)
        if new_id is None:
            note(f"there is no dead letter {entry_id!r}; rebalancer events lists them")
            return Exit.FAILED
        say(f"put back as entry {new_id}")
        return Exit.OK

    carry_out(work)


def orders(
    event_id: Annotated[str, typer.Argument(help="Only of this event")] = "",
    *,
    account: AccountName = ALL,
    limit: Limit = LIMIT,
    as_json: AsJson = False,
) -> None:
    """List the orders of the latest events, with their state and fills."""

    async def work() -> Exit:
        only = None if account == ALL else AccountId(account_of(account))
        async with connected() as link:
            views = RedisViews(link)
            records = await (views.events_named(event_id) if event_id else views.recent_events(limit, only))
        rows = [(record, intent) for record in records for intent in record.intents]
        if as_json:
            print_json([{"event_id": r.event.id, "account": r.account, **_order_json(i)} for r, i in rows])
        else:
            _show_orders(rows)
        return Exit.OK

    carry_out(work)


def event_json(record: EventRecord) -> dict[str, Any]:
    """One event as `--json` shows it."""
    return {
        "event_id": record.event.id,
        "event_source": record.event.source,
        "key": record.key,
        "entry_id": record.entry_id,
        "account": record.account,
        "stage": record.stage,
        "outcome": record.outcome,
        "reason_code": record.reason_code,
        "reason": record.reason,
        "accepted_at": record.accepted_at,
        "expires_at": record.expires_at,
        "closed_at": record.closed_at,
        "plan": plan_data(record.plan) if record.plan else None,
        "orders": [_order_json(intent) for intent in record.intents],
        "summary": record.summary,
    }


async def _story(link: RedisLink, record: EventRecord) -> Story:
    journal = RedisJournal(link)
    settled = [one for one in await journal.settlements(record.account) if one.key == record.key]
    holds = [pause for pause in await journal.pauses() if pause.held and record.key in pause.events]
    asked = [question for pause in holds for question in questions(record, pause.at)]
    timeline = await RedisViews(link).read_timeline(record.key)
    return Story(record, timeline, settled, unsettled(asked, settled))


def _story_json(story: Story) -> dict[str, Any]:
    """The event with everything known of it; what `event_json` has, and more."""
    record, timeline = story.record, story.timeline
    return {
        **event_json(record),
        "asked": record.event.model_dump(mode="python", exclude_unset=True)["data"],
        "orders": [
            {
                **_order_json(intent),
                "states": [{"at": at, "state": word} for at, word in states(timeline, intent)],
                "executions": executions(timeline, intent),
            }
            for intent in record.intents
        ],
        "waits": [
            {
                "start": wait.start,
                "end": wait.end,
                "seconds": wait.seconds,
                "reason_code": wait.reason_code,
                "reason": wait.reason,
                "until": wait.until,
            }
            for wait in waits(timeline)
        ],
        "settlements": [{field.name: getattr(one, field.name) for field in fields(one)} for one in story.settlements],
        "unsettled": [question.subject for question in story.open_questions],
        "timeline": timeline,
    }


def _order_json(intent: OrderIntent) -> dict[str, Any]:
    return {
        "order_ref": str(intent.ref),
        "perm_id": intent.perm_id,
        "client_id": intent.client_id,
        "order_id": intent.order_id,
        "side": intent.leg.side,
        "symbol": intent.leg.contract.symbol,
        "quantity": intent.quantity,
        "filled": intent.filled,
        "state": intent.state,
        "ending": intent.ending,
        "note": intent.note,
    }


def _dead_json(letter: DeadLetter) -> dict[str, str]:
    return {name: getattr(letter, name) for name in ("dead_id", "entry_id", "event", "reason", "at", "retried_as")}


def _show_list(records: Sequence[EventRecord], dead: Sequence[DeadLetter]) -> None:
    now = SystemClock().now()
    rows = (
        (r.event.id, r.account, r.outcome or r.stage, len(r.intents), age(r.accepted_at, now), r.reason)
        for r in records
    )
    out.print(table("", ("event", "account", "state", ">orders", ">age", "reason"), rows))
    if dead:
        found = ((d.dead_id, d.at[:19], d.retried_as or "no", d.reason) for d in dead)
        out.print(table("\nDead letters", ("entry", "at", "put back", "reason"), found))


def _show_orders(rows: Sequence[tuple[EventRecord, OrderIntent]]) -> None:
    shown = (
        (
            record.event.id,
            str(intent.ref),
            intent.leg.side,
            intent.leg.contract.symbol,
            f"{intent.quantity:f}",
            f"{intent.filled:f}",
            intent.ending or intent.state,
            intent.perm_id or "",
            intent.note,
        )
        for record, intent in rows
    )
    columns = ("event", "orderRef", "side", "contract", ">quantity", ">filled", "state", ">permId", "note")
    out.print(table("", columns, shown))
