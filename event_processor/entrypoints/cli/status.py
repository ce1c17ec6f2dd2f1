"""`rebalancer status`: what the processor does now, what it waits for, and what came of the last events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.redis.views import RedisViews
from event_processor.domain.record import EventRecord
from event_processor.entrypoints.cli.exits import Exit
from event_processor.entrypoints.cli.running import carry_out, connected
from event_processor.entrypoints.cli.screen import age, moment, out, print_json, say, table

RECENT = 5


def status(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False) -> None:
    """Show the session with advice, pauses, what each waiting event waits for, and the last outcomes."""

    async def work() -> Exit:
        async with connected() as link:
            views = RedisViews(link)
            documents = await views.statuses()
            recent = await views.recent_events(RECENT)
            waiting = await views.recent_events(RECENT, open_only=True)
        if as_json:
            first = documents[0] if documents else None
            brief = [_brief(record) for record in recent]
            print_json({"processor": first, "others": documents[1:], "recent": brief})
        else:
            _show(documents, recent, waiting)
        return Exit.OK if documents else Exit.UNREACHABLE

    carry_out(work)


def _show(
    documents: Sequence[Mapping[str, Any]], recent: Sequence[EventRecord], waiting: Sequence[EventRecord]
) -> None:
    if not documents:
        say("processor    not running (no news from it): start it with `rebalancer run`")
    for document in documents:
        show_processor(document)
    known = {line["key"]: line for document in documents for line in document["waiting"]}
    if waiting:
        out.print(
            table(
                "Open events", ("event", "account", "stage", "waits for", "until"), (_open(r, known) for r in waiting)
            )
        )
    closed = [record for record in recent if record.closed_at]
    if closed:
        now = SystemClock().now()
        rows = ((r.event.id, r.account, r.outcome, age(r.closed_at, now), r.reason) for r in closed)
        out.print(table("Last outcomes", ("event", "account", "outcome", ">ago", "reason"), rows))


def show_processor(document: Mapping[str, Any]) -> None:
    """A processor's status document, a line for each thing that a person may ask about."""
    health, session = document["health"], document["session"]
    said_ago = age(moment(document["at"]), SystemClock().now())
    say(f"processor    {document['version']}, {document['trading_mode']}, {document['consumer']} ({said_ago} ago)")
    say(f"health       {health['status']}: {health['reason']}")
    say(f"session      {session['state']}: {session['advice']}")
    say(f"accounts     {', '.join(session['accounts']) or 'none seen yet'}")
    say(f"login        lasts until {moment(document['login']['deadline']):%a %Y-%m-%d %H:%M} UTC")
    if restart := moment(document["login"]["restart_awaited"]):
        say(f"restart      of the gateway at {restart:%H:%M} UTC: nothing new is sent until it is back")
    if document["leases"]:
        say(f"works on     {', '.join(document['leases'])}")
    if settling := document.get("cash_settling"):
        say(f"cash         {', '.join(settling)}: the broker's figure may be from before the last run; ours counts")
    for pause in document["pauses"]:
        kind, way = ("held", "reconcile") if pause["held"] else ("paused", "resume")
        scope, since = pause["scope"], pause["at"][:19]
        say(f"{kind:<12} {scope} since {since}: {pause['reason']}; rebalancer {way} {scope}")


def _open(record: EventRecord, known: Mapping[str, Mapping[str, Any]]) -> tuple[object, ...]:
    wait = known.get(record.key, {})
    until = moment(wait.get("until")) or record.expires_at
    what = f"{wait['reason_code'].replace('_', ' ')}: {wait['reason']}" if wait else "at work"
    words = f"{until:%Y-%m-%d %H:%M} UTC" + ("" if wait.get("until") else " (expires)")
    return (record.event.id, record.account, record.stage, what, words)


def _brief(record: EventRecord) -> dict[str, object]:
    return {
        "event_id": record.event.id,
        "event_source": record.event.source,
        "key": record.key,
        "account": record.account,
        "stage": record.stage,
        "outcome": record.outcome,
        "reason": record.reason,
        "accepted_at": record.accepted_at,
        "expires_at": record.expires_at,
        "closed_at": record.closed_at,
    }
