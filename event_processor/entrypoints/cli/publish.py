"""`rebalancer publish` and `rebalancer plan`: the comfort for what `XADD rebalancer:events` does."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.journal import RedisJournal
from event_processor.domain.event import RebalanceEvent, new_event, parse_event
from event_processor.domain.record import Outcome
from event_processor.entrypoints import streams
from event_processor.entrypoints.cli import targets
from event_processor.entrypoints.cli.exits import Exit, exit_for_outcome
from event_processor.entrypoints.cli.outcome_tables import show_plan, show_summary
from event_processor.entrypoints.cli.running import carry_out, connected
from event_processor.entrypoints.cli.screen import err, get, note, print_json, say
from event_processor.errors import EventMalformed

SOURCE = "/rebalancer/cli"
WAIT_SECONDS = 300.0
PLAN_SECONDS = 60.0

Account = Annotated[str, typer.Argument(help="Alias of the accounts file, or the account number")]
Targets = Annotated[list[str] | None, typer.Argument(help="SPY=60% (weight), SPY=100sh (shares) or SPY=$5000 (money)")]
Partial = Annotated[bool, typer.Option("--partial", help="Leave everything alone that is not named")]
Liquidate = Annotated[bool, typer.Option("--liquidate", help="Sell holdings that are not named")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables")]


def publish(
    account: Annotated[str, typer.Argument(help="Alias or account number; leave out with --file")] = "",
    words: Targets = None,
    *,
    file: Annotated[Path | None, typer.Option(help="Publish this event (JSON); - reads standard in")] = None,
    event_id: Annotated[str, typer.Option("--id", help="Id of the event; the same id again has no effect")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan and report, place nothing")] = False,
    partial: Partial = False,
    liquidate: Liquidate = False,
    reason: Annotated[str, typer.Option(help="Why, for people")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Show what happens until the event is final")] = False,
    seconds: Annotated[float, typer.Option(help="How long --wait waits", min=1)] = WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Publish a rebalance event: `rebalancer publish growth SPY=60% TLT=35%`.

    In a full event of weights, what is missing to 100% becomes the cash reserve.
    """

    async def work() -> Exit:
        if file is not None:
            event = _event_in(file, bare=not account and not words)
            event = _dry(event) if dry_run else event
        else:
            made = targets.request(
                account, words or [], partial=partial, liquidate=liquidate, dry_run=dry_run, reason=reason
            )
            event = _event(made, event_id)
        async with connected() as link:
            before = await RedisJournal(link).find(event.key)
            since = await streams.newest_outcome(link)
            entry_id = await streams.publish(link, event)
            if not wait:
                _published(event, entry_id, as_json=as_json)
                return Exit.OK
            if before is not None and before.outcome is not None:
                note(f"{event.id} was published before and ended as {before.outcome}: {before.reason}")
                note(f"Once more has no effect; rebalancer events show {event.id} tells all of it")
                return exit_for_outcome(before.outcome)
            note(f"published {event.id} as entry {entry_id}")
            return await _wait(link, event, since, seconds, as_json=as_json)

    carry_out(work)


def plan(
    account: Account,
    words: Targets = None,
    *,
    partial: Partial = False,
    liquidate: Liquidate = False,
    seconds: Annotated[float, typer.Option(help="How long to wait for the plan", min=1)] = PLAN_SECONDS,
    as_json: Json = False,
) -> None:
    """Show what the processor would do, without doing it (a dry run)."""

    async def work() -> Exit:
        made = targets.request(account, words or [], partial=partial, liquidate=liquidate, dry_run=True)
        event = _event(made, "")
        async with connected() as link:
            since = await streams.newest_outcome(link)
            await streams.publish(link, event)
            return await _wait(link, event, since, seconds, as_json=as_json)

    carry_out(work)


def _event(made: targets.Request, event_id: str) -> RebalanceEvent:
    for text in made.notes:
        note(text)
    now = SystemClock().now()
    made_id = event_id or f"{now:%Y%m%dT%H%M%S.%f}-{os.getpid()}"
    return new_event(event_id=made_id, source=SOURCE, time=now, data=made.data)


def _event_in(file: Path, *, bare: bool) -> RebalanceEvent:
    if not bare:
        raise EventMalformed("--file holds the whole event: leave account and targets out")
    try:
        return parse_event(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    except OSError as error:
        raise EventMalformed(f"{file} cannot be read: {error.strerror}") from error


def _dry(event: RebalanceEvent) -> RebalanceEvent:
    """A dry run of it, under an id of its own: the event itself may still be published afterwards."""
    data = event.data.model_dump(exclude_unset=True) | {"dry_run": True}
    now = SystemClock().now()
    return new_event(event_id=f"{now:%Y%m%dT%H%M%S.%f}-dry-run", source=SOURCE, time=now, data=data)


def _published(event: RebalanceEvent, entry_id: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"event_id": event.id, "event_source": event.source, "key": event.key, "entry_id": entry_id})
    else:
        say(f"published {event.id} as entry {entry_id}; follow it with: rebalancer events show {event.id}")


async def _wait(link: RedisLink, event: RebalanceEvent, since: str, seconds: float, *, as_json: bool) -> Exit:
    """Show outcomes as they come; the final one decides the exit code."""
    try:
        async with asyncio.timeout(seconds):
            with err.status("waiting for the processor") as spinner:
                async for outcome in streams.follow(link, event, since):
                    spinner.update(_progress(outcome))
                    note(f"{outcome.time[11:19]}  {_progress(outcome)}")
                    if outcome.kind is Outcome.PLANNED and not as_json:
                        show_plan(outcome.data)
                    if outcome.final:
                        print_json(outcome.data) if as_json else show_summary(outcome.kind, outcome.data)
                        return exit_for_outcome(outcome.kind)
    except TimeoutError:
        note(f"not final after {seconds:g} s; it goes on. rebalancer status says what it waits for")
    return Exit.TIMEOUT


def _progress(outcome: streams.OutcomeEntry) -> str:
    data = outcome.data
    order = " ".join(get(data, name) for name in ("side", "quantity", "symbol") if get(data, name))
    words = (outcome.kind.value.replace("_", " "), order, get(data, "reason"))
    return ": ".join(dict.fromkeys(word for word in words if word))
