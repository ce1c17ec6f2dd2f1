"""A producer that never rests: each account gets its next event as soon as the one before has come to its end."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from tests.support.ledger_judge import check_ledger
from tests.support.stack import NOT_FINAL, Stack

PORTFOLIOS = (
    {"QQQ": 0.3, "VTI": 0.3, "SPY": 0.2, "TLT": 0.1},
    {"SPY": 0.5, "TLT": 0.25, "GLD": 0.2},
    {"VTI": 0.45, "GLD": 0.3, "QQQ": 0.1, "TLT": 0.05},
)
"""Each is far from the one before, so that every event sells and buys."""
ACCOUNTS = ("DU1000001", "DU1000002", "DU1000003")


def scenario(accounts: Sequence[str] = ACCOUNTS, *, fill_ms: int = 300, rest: str = "") -> str:
    """Accounts that hold something of everything; orders fill after a while."""
    books = "".join(
        f'[[account]]\nnumber = "{account}"\ncash = {{ USD = 500 }}\nholdings = [\n'
        '  { symbol = "SPY", quantity = 80, average_cost = 112.40 },\n'
        '  { symbol = "TLT", quantity = 150, average_cost = 631.20 },\n'
        '  { symbol = "GLD", quantity = 60, average_cost = 12.10 },\n]\n'
        for account in accounts
    )
    return f'\n{books}[[fault]]\naction = "order"\nfill_delay_ms = {fill_ms}\n{rest}'


class Producer:
    """Publishes to the stack's accounts; `finals` says what each event so far must come to."""

    def __init__(self, stack: Stack, accounts: Sequence[str] = ACCOUNTS) -> None:
        self._stack = stack
        self._published: dict[str, list[str]] = {account: [] for account in accounts}
        self.finals: dict[str, str] = {}

    def feed(self) -> None:
        """The next event for every account whose last one is final."""
        for account, published in self._published.items():
            if not published or self._is_final(published[-1]):
                event_id = f"{account}-{len(published) + 1}"
                self._stack.publish(event_id, PORTFOLIOS[len(published) % len(PORTFOLIOS)], account=account)
                published.append(event_id)
                self.finals[event_id] = "completed"

    def live(self, seconds: float) -> None:
        """Go on for so long."""
        end = time.monotonic() + seconds

        def over() -> bool:
            self.feed()
            return time.monotonic() >= end

        self._stack.until(over, "the end of a pause", seconds=seconds + 10)

    def finish(self, seconds: float = 30.0) -> None:
        """Wait for the end of what was published."""
        for event_id in self.finals:
            self._stack.wait_final(event_id, seconds=seconds)

    def check_ends(self) -> None:
        """Everything published came to its one end, each order once; so does one more event of each account, now that
        nothing breaks any more.
        """
        self.finish()
        self.feed()
        self.finish()
        check_ledger(self._stack, self.finals)

    def _is_final(self, event_id: str) -> bool:
        return any(data["outcome"] not in NOT_FINAL for data in self._stack.outcomes(event_id))


def moments(seed: int, rounds: int, longest: float) -> list[float]:
    """How long to leave things alone before each of so many blows."""
    chance = random.Random(seed)
    return [chance.uniform(0.0, longest) for _ in range(rounds)]
