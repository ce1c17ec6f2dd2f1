"""The truth of a run: every order message, order state, execution, cash and position change, in order.

Each entry is a flat JSON object with `seq`, `time` and `kind`; `Ledger` keeps them in memory, writes
them as JSON lines when it has a file, and answers the questions tests ask.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TextIO

from .clock import Clock, iso
from .model import Contract, Execution, Order

Entry = dict[str, str | int | float | bool | None]


class Ledger:
    """Entries in the order in which they happened; `file` gets each new one at once, flushed.

    `earlier` are those of runs before this one, when the simulated broker has outlived its gateway.
    """

    def __init__(self, clock: Clock, file: TextIO | None = None, earlier: Iterable[Entry] = ()) -> None:
        self._clock = clock
        self._file = file
        self.entries: list[Entry] = list(earlier)
        self.on_entry: list[Callable[[Entry], None]] = []
        self._rates: dict[int, list[float]] = {}
        self._busiest: dict[int, int] = {}
        self._messages: dict[int, int] = {}

    def write(self, kind: str, **fields: object) -> None:
        """Add one entry; Decimals are written as text, so that nothing is rounded."""
        entry: Entry = {"seq": len(self.entries) + 1, "time": iso(self._clock.now()), "kind": kind}
        entry.update({name: _plain(value) for name, value in fields.items()})
        self.entries.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
        for callback in self.on_entry:
            callback(entry)

    def order(self, kind: str, order: Order, contract: Contract, **fields: object) -> None:
        """Add an entry about an order, with everything that identifies it."""
        self.write(
            kind,
            clientId=order.client_id,
            orderId=order.order_id,
            permId=order.perm_id,
            orderRef=order.order_ref,
            account=order.account,
            conId=contract.con_id,
            symbol=contract.symbol,
            secType=contract.sec_type,
            currency=contract.currency,
            side=order.action,
            quantity=order.total_quantity,
            orderType=order.order_type,
            limitPrice=order.lmt_price,
            tif=order.tif,
            **fields,
        )

    def execution(self, execution: Execution, **fields: object) -> None:
        self.write(
            "execution",
            execId=execution.exec_id,
            clientId=execution.client_id,
            orderId=execution.order_id,
            permId=execution.perm_id,
            orderRef=execution.order_ref,
            account=execution.account,
            conId=execution.contract.con_id,
            symbol=execution.contract.symbol,
            secType=execution.contract.sec_type,
            currency=execution.contract.currency,
            side=execution.side,
            shares=execution.shares,
            price=execution.price,
            cumulative=execution.cumulative_quantity,
            **fields,
        )

    def count_message(self, client_id: int) -> int:
        """Count one message of a client; returns how many it has sent in the second that ends now."""
        now = self._clock.now()
        window = self._rates.setdefault(client_id, [])
        window.append(now)
        while window[0] <= now - 1:
            window.pop(0)
        self._messages[client_id] = self._messages.get(client_id, 0) + 1
        self._busiest[client_id] = max(self._busiest.get(client_id, 0), len(window))
        return len(window)

    def of(self, kind: str) -> list[Entry]:
        """All entries of one kind."""
        return [entry for entry in self.entries if entry["kind"] == kind]

    def executions(self) -> list[Entry]:
        return self.of("execution")

    def orders_by_ref(self) -> dict[str, list[int]]:
        """OrderRef -> permIds of the orders the exchange accepted with it, in order of acceptance."""
        found: dict[str, list[int]] = {}
        for entry in self.of("order_accepted"):
            found.setdefault(str(entry["orderRef"]), []).append(int(str(entry["permId"])))
        return found

    def positions(self, account: str) -> dict[str, Decimal]:
        """Symbol -> quantity as last written; symbols that were closed are left out."""
        found: dict[str, Decimal] = {}
        for entry in self.of("position"):
            if entry["account"] == account:
                found[str(entry["symbol"])] = Decimal(str(entry["quantity"]))
        return {symbol: quantity for symbol, quantity in found.items() if quantity}

    def cash(self, account: str) -> dict[str, Decimal]:
        """Currency -> cash as last written."""
        cash = (entry for entry in self.of("cash") if entry["account"] == account)
        return {str(entry["currency"]): Decimal(str(entry["amount"])) for entry in cash}

    @property
    def max_messages_per_second(self) -> int:
        """The most messages any client sent in any window of one second."""
        return max(self._busiest.values(), default=0)

    def summary(self) -> dict[str, object]:
        """Counts that tell at a glance how a run went."""
        repeated = {ref: perm_ids for ref, perm_ids in self.orders_by_ref().items() if ref and len(perm_ids) > 1}
        return {
            "orders_received": len(self.of("order_received")),
            "orders_accepted": len(self.of("order_accepted")),
            "orders_refused": len(self.of("order_refused")),
            "executions": len(self.executions()),
            "order_refs_used_twice": repeated,
            "messages": {str(client): count for client, count in sorted(self._messages.items())},
            "max_messages_per_second": {str(client): count for client, count in sorted(self._busiest.items())},
        }


def _plain(value: object) -> str | int | float | bool | None:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value if value is None or isinstance(value, (int, float)) else str(value)
