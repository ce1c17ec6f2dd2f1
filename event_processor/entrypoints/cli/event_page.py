"""One event on one page, for a person who reads it at night: what was asked, what came of it, why, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.markup import escape
from rich.tree import Tree

from event_processor.adapters.clock import SystemClock
from event_processor.application.telling import plan_data
from event_processor.domain.event import TargetLine
from event_processor.domain.intent import OrderIntent
from event_processor.entrypoints.cli.event_story import Story, Wait, executions, instant, sentence, states, waits
from event_processor.entrypoints.cli.outcome_tables import show_plan, weights_table
from event_processor.entrypoints.cli.screen import STYLES, age, out, say, share, table

LEVEL_STYLES = {"warning": "yellow", "error": "bold red", "debug": "dim"}
TARGETS_SHOWN = 12


def show(story: Story) -> None:
    """Print the page."""
    _head(story)
    for wait in waits(story.timeline):
        say(f"waited      {_wait(wait)}")
    _settlements(story)
    record = story.record
    if record.plan is not None:
        say("")
        show_plan(plan_data(record.plan))
    if record.summary.get("weights"):
        say("")
        out.print(weights_table(record.summary["weights"]))
        say(f"residual drift {share(record.summary.get('residual_drift'))}{_cost(story)}")
    if record.intents:
        say("")
        out.print(_orders(story))
    say("")
    rows = ((_clock(instant(line)), _since(story, line["at"]), line["name"], sentence(line)) for line in story.timeline)
    styles = [LEVEL_STYLES.get(str(line.get("level")), "") for line in story.timeline]
    made = table(
        "Timeline (UTC; seconds since the event was accepted)", ("at", ">after", "fact", "what happened"), rows
    )
    for row, style in zip(made.rows, styles, strict=True):
        row.style = style or None
    out.print(made)


def _head(story: Story) -> None:
    record = story.record
    outcome = record.outcome or record.stage
    style = STYLES.get(outcome, "bold")
    say(f"event       {record.event.id} from {record.event.source}")
    out.print(f"outcome     [{style}]{escape(str(outcome).replace('_', ' '))}[/]", end="")
    say(f"  {record.reason or 'not over yet'}" + (f" ({record.reason_code})" if record.reason_code else ""))
    say(f"account     {record.account}")
    say(f"asked       {', '.join(_targets(record.event.data.targets))}{_manner(story)}")
    if record.event.data.reason:
        say(f"because     {record.event.data.reason}")
    say(f"accepted    {record.accepted_at:%Y-%m-%d %H:%M:%S} UTC, entry {record.entry_id}")
    if record.closed_at is not None:
        seconds = (record.closed_at - record.accepted_at).total_seconds()
        say(f"ended       {record.closed_at:%Y-%m-%d %H:%M:%S} UTC, after {seconds:.1f} s")
    else:
        say(f"expires     {record.expires_at:%Y-%m-%d %H:%M:%S} UTC")


def _targets(lines: list[TargetLine]) -> Iterator[str]:
    for line in lines[:TARGETS_SHOWN]:
        name = line.symbol or f"conId {line.con_id}"
        if line.weight is not None:
            yield f"{name} {(line.weight * 100).normalize():f}%"
        elif line.quantity is not None:
            yield f"{name} {line.quantity:f} shares"
        else:
            yield f"{name} {line.value:f} {line.currency}"
    if len(lines) > TARGETS_SHOWN:
        yield f"and {len(lines) - TARGETS_SHOWN} more"
    if not lines:
        yield "nothing"


def _manner(story: Story) -> str:
    data = story.record.event.data
    words = [
        f"cash reserve {(data.cash.reserve * 100).normalize():f}%" if data.cash.reserve else "",
        "partial" if data.completeness == "partial" else "",
        "everything else sold" if data.untargeted == "liquidate" else "",
        "dry run" if data.dry_run else "",
    ]
    return "".join(f"; {word}" for word in words if word)


def _wait(wait: Wait) -> str:
    end = (
        f"until {_clock(wait.end)} ({wait.seconds:.1f} s)"
        if wait.end
        else f"for {age(wait.start, SystemClock().now())}"
    )
    return f"{_clock(wait.start)} {end}: {wait.reason}"


def _settlements(story: Story) -> None:
    for one in story.settlements:
        follow = f"; event {one.follow_up} orders what is missing" if one.follow_up else ""
        who = f"by {one.by}, {one.at:%Y-%m-%d %H:%M:%S} UTC"
        say(f"settled     {one.subject}: {one.resolution} {who} (broker showed: {one.shown}){follow}")
    for question in story.open_questions:
        command = f"rebalancer reconcile {story.record.account}"
        out.print("[bold red]unsettled[/]   ", end="")
        say(f"{question.subject}: the account is held until a person settles it; look with: {command}")


def _cost(story: Story) -> str:
    told = story.record.summary
    if not told.get("commission"):
        return ""
    part = "" if told.get("commission_complete") else ", not all of it told yet"
    return f", commission {told['commission']} {told.get('base_currency', '')}{part}"


def _orders(story: Story) -> Tree:
    tree = Tree("Orders")
    for intent in story.record.intents:
        branch = tree.add(_order(intent))
        moved = states(story.timeline, intent)
        if moved:
            branch.add(escape(", ".join(f"{word} {_clock(at)}" for at, word in moved)))
        for one in executions(story.timeline, intent):
            at = _clock(one["at"]) if one["at"] else "time not told"
            cost = "commission not told yet"
            if one["commission"] is not None:
                cost = f"commission {one['commission']:f} {one['commission_currency']}"
            branch.add(escape(f"{at}  {one['quantity']:f} at {one['price']:f}, {cost}, execId {one['exec_id']}"))
        if intent.note:
            branch.add(escape(intent.note))
    return tree


def _order(intent: OrderIntent) -> str:
    word = str(intent.ending or intent.state)
    style = STYLES.get(word, "bold" if intent.ending else "")
    what = f"{intent.leg.side} {intent.quantity:f} {intent.leg.contract.symbol}, {intent.filled:f} filled, "
    ids = f"  {intent.ref}" + (f", permId {intent.perm_id}" if intent.perm_id else "")
    shown = word.replace("_", " ")
    return escape(what) + (f"[{style}]{shown}[/]" if style else shown) + f"[dim]{escape(ids)}[/]"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"


def _since(story: Story, at: str) -> str:
    return f"+{(datetime.fromisoformat(at) - story.record.accepted_at).total_seconds():.3f}"
