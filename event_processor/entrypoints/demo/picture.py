"""One scene as a picture for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from event_processor.domain.intent import IntentState, OrderIntent
from event_processor.domain.order import Side
from event_processor.domain.plan import Plan, PlanLine
from event_processor.domain.record import EventRecord
from event_processor.entrypoints.demo.scene import Scene, order_word

STATE_STYLES = {
    IntentState.RECORDED: "dim",
    IntentState.SUBMITTING: "yellow",
    IntentState.WORKING: "cyan",
    IntentState.UNKNOWN: "bold red",
    IntentState.DONE: "green",
}
NEWS_SHOWN = 6


def picture(scene: Scene, title: str, said: Sequence[str]) -> RenderableType:
    """Session, orders, weights and the latest news."""
    parts: list[RenderableType] = [_session(scene)]
    record = scene.record
    if record is not None and record.plan is not None:
        parts += ["", Columns([_orders(record.intents), weights(record, record.plan)], padding=(1, 4))]
    parts += ["", *(f"[dim]{escape(line)}[/]" for line in said[-NEWS_SHOWN:])]
    return Panel(Group(*parts), title=f"{escape(title)}   {scene.seconds:4.0f} s", title_align="left")


def residual_drift(record: EventRecord, plan: Plan) -> Decimal:
    """Half the sum of absolute weight differences now: the share of the basis still to be moved."""
    return sum((abs(_weight_now(line, record, plan) - line.weight_target) for line in plan.lines), Decimal(0)) / 2


def weights(record: EventRecord, plan: Plan) -> Table:
    """Each contract's share before, wanted and now, and the residual drift."""
    made = Table(title="Weights", title_justify="left", show_edge=False, show_footer=True)
    made.add_column("contract", footer="residual drift")
    for column in ("before", "target"):
        made.add_column(column, justify="right")
    made.add_column("now", justify="right", footer=_percent(residual_drift(record, plan)))
    for line in plan.lines:
        made.add_row(
            escape(line.contract.symbol),
            _percent(line.weight_before),
            _percent(line.weight_target),
            _percent(_weight_now(line, record, plan)),
        )
    return made


def _session(scene: Scene) -> str:
    style = "green" if scene.session == "ready" else "yellow"
    waits = f"\n[yellow]event waits[/]  {escape(scene.waits_for)}" if scene.waits_for else ""
    state = scene.session or "starting"
    return f"session  [bold {style}]{state}[/]  {escape(scene.advice)}{waits}"


def _orders(intents: Sequence[OrderIntent]) -> Table:
    made = Table(title="Orders", title_justify="left", show_edge=False)
    for column in ("side", "contract", "quantity", "filled", "state"):
        made.add_column(column, justify="right" if column in {"quantity", "filled"} else "left", no_wrap=True)
    for intent in intents:
        side = "red" if intent.leg.side is Side.SELL else "blue"
        made.add_row(
            f"[{side}]{intent.leg.side}[/]",
            escape(intent.leg.contract.symbol),
            f"{intent.quantity:f}",
            f"{intent.filled:f}",
            f"[{STATE_STYLES[intent.state]}]{order_word(intent)}[/]",
        )
    return made


def _weight_now(line: PlanLine, record: EventRecord, plan: Plan) -> Decimal:
    moved = sum(
        (intent.filled if intent.leg.side is Side.BUY else -intent.filled)
        for intent in record.intents
        if intent.leg.contract.con_id == line.contract.con_id
    )
    return (line.held + moved) * line.price * line.rate / plan.basis


def _percent(share: Decimal) -> str:
    return f"{share * 100:.2f} %"
