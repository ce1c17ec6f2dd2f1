"""The simulator's ledger as the demo reads it: the truth that the verdict is judged by."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from event_processor.domain.ids import AccountId, ConId, OrderRef

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the exchange did, in its order."""

    entries: tuple[Entry, ...] = ()

    def of(self, kind: str) -> Sequence[Entry]:
        """All entries of one kind."""
        return [entry for entry in self.entries if entry["kind"] == kind]

    @property
    def account(self) -> AccountId | None:
        """The first account that was opened."""
        return next((AccountId(entry["account"]) for entry in self.of("cash")), None)

    def positions(self, account: AccountId) -> dict[ConId, Decimal]:
        """Contract -> quantity as last written."""
        positions = (entry for entry in self.of("position") if entry["account"] == account)
        return {ConId(int(entry["conId"])): Decimal(entry["quantity"]) for entry in positions}

    def accepted(self) -> Counter[str]:
        """How many orders the exchange accepted with each orderRef of ours."""
        refs = (str(entry["orderRef"]) for entry in self.of("order_accepted"))
        return Counter(ref for ref in refs if OrderRef.parse(ref))

    def unfilled(self) -> list[str]:
        """The orderRefs of accepted orders whose executions do not add up to their quantity."""
        left = {str(entry["orderRef"]): Decimal(entry["quantity"]) for entry in self.of("order_accepted")}
        for entry in self.of("execution"):
            ref = str(entry["orderRef"])
            left[ref] = left.get(ref, Decimal(0)) - Decimal(entry["shares"])
        return sorted(ref for ref, quantity in left.items() if quantity)


def read_ledger(file: Path) -> Ledger:
    """The entries written so far; a line that is still being written is left for the next look."""
    if not file.is_file():
        return Ledger()
    text = file.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    return Ledger(tuple(json.loads(line) for line in whole.splitlines()))
