"""Plans and final outcomes as tables, from the data of the outcome stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from event_processor.domain.record import Outcome
from event_processor.entrypoints.cli.screen import get, out, say, share, table

DRY_RUN = "dry_run"


def show_plan(data: Mapping[str, Any]) -> None:
    """The `planned` outcome: each contract's weights, then the orders."""
    currency = get(data, "base_currency")
    out.print(
        table(
            f"Plan {get(data, 'plan_id')}: {currency} {get(data, 'net_liquidation')} net liquidation value",
            ("contract", ">held", ">target", ">price", ">before", ">wanted", ">after"),
            (
                (
                    line["symbol"],
                    line["held"],
                    line["target"],
                    f"{line['price']} {line['currency']}",
                    share(line["weight_before"]),
                    share(line["weight_target"]),
                    share(line["weight_after"]),
                )
                for line in data.get("lines", ())
            ),
        )
    )
    out.print(
        table(
            "Orders",
            ("leg", "side", "contract", ">quantity", "type", ">limit", f">value {currency}"),
            (
                (
                    order["leg"],
                    order["side"],
                    order["symbol"],
                    order["quantity"],
                    order["order_type"],
                    order["limit_price"],
                    order["value"],
                )
                for order in data.get("orders", ())
            ),
        )
    )
    show_notes(data)


def show_summary(kind: Outcome, data: Mapping[str, Any]) -> None:
    """A final outcome: what became of the weights and of each order, and why."""
    if data.get("reason_code") == DRY_RUN:
        say(f"{kind.value.replace('_', ' ')}: {get(data, 'reason')}")
        return
    weights = data.get("weights") or {}
    if weights:
        out.print(weights_table(weights))
    orders = data.get("orders") or ()
    if orders:
        out.print(
            table(
                "Orders",
                ("side", "contract", ">planned", ">filled", "ending", "orderRef", "note"),
                (
                    (
                        o["side"],
                        o["symbol"],
                        o["planned"],
                        o["filled"],
                        get(o, "ending", "state"),
                        o["order_ref"],
                        o["note"],
                    )
                    for o in orders
                ),
            )
        )
    show_notes(data)
    drift = share(data.get("residual_drift"))
    cost = f", commission {data['commission']} {get(data, 'base_currency')}" if data.get("commission") else ""
    say(f"{kind.value.replace('_', ' ')}: {get(data, 'reason')}" + (f" Residual drift {drift}{cost}." if drift else ""))


def weights_table(weights: Mapping[str, Mapping[str, str]]) -> Any:  # noqa: ANN401 - a rich renderable
    """Weights before, wanted and after, by contract."""
    return table(
        "Weights",
        ("contract", ">quantity", ">before", ">target", ">after"),
        (
            (name, line["quantity"], share(line["before"]), share(line["target"]), share(line["after"]))
            for name, line in weights.items()
        ),
    )


def show_notes(data: Mapping[str, Any]) -> None:
    """What the planner wants people to know."""
    for text in data.get("notes") or ():
        say(f"note: {text}")
