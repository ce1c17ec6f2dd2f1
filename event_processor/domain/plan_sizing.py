"""How many whole shares each line trades.

The rule: repeat what planning again on the result would do, until it would do nothing. A line within one
share of its ideal is left alone; every other goes to the whole number below its ideal, and the largest
remainders above one half are rounded up while the cash pays for it. Ideals are shares of what the account is
worth after the costs of the very trades they lead to (spread and commission), so they are found by
repetition. When the cash does not pay for all buys they shrink in proportion, to the last share it pays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from event_processor.domain.money import HALF, ONE, ZERO, commission_estimate, whole_floor

_ROUNDS_FREE, _ROUNDS_MAX = 8, 32


@dataclass(frozen=True, slots=True)
class Line:
    """One contract to size. Its ideal is `fixed + slope * basis` shares.

    Base money for one share: `value` at the mark, `cost` when bought, `proceeds` when sold. `whole` is how
    many whole shares are there to be sold; `trade_min` the smallest value worth an order.
    """

    held: Decimal
    value: Decimal
    cost: Decimal
    proceeds: Decimal
    fixed: Decimal
    slope: Decimal
    whole: Decimal
    trade_min: Decimal
    may_buy: bool = True
    may_sell: bool = True

    def ideal(self, basis: Decimal) -> Decimal:
        """Unrounded shares."""
        return self.fixed + self.slope * basis

    def flow(self, change: Decimal) -> Decimal:
        """Base money that trading `change` shares brings (sell) or takes (buy, negative), after commission."""
        if change > 0:
            paid = change * self.cost
            return -paid - commission_estimate(change, paid)
        if change < 0:
            got = -change * self.proceeds
            return got - commission_estimate(-change, got)
        return ZERO


@dataclass(frozen=True, slots=True)
class Sizing:
    """The result: shares to trade per line, cash to keep, and which lines got less than they wanted.

    `basis` is net of the estimated costs of the trades, and `reserve` a share of that.
    """

    changes: tuple[Decimal, ...]
    basis: Decimal
    reserve: Decimal
    trimmed: tuple[int, ...]
    suppressed: tuple[int, ...]


def size_lines(lines: Sequence[Line], basis: Decimal, cash: Decimal, reserve_share: Decimal) -> Sizing:
    """Whole shares for every line, within cash less reserve. All money in base currency."""
    sizing = Sizing((ZERO,) * len(lines), basis, ZERO, (), ())
    caps: dict[int, Decimal] = {}
    for number in range(_ROUNDS_MAX):
        before, net = sizing.changes, basis - _costs(lines, sizing.changes)
        reserve = max(reserve_share * net, ZERO)
        fit = _Fit(lines, net, cash - reserve, before, caps)
        settled = tuple(fit.changes) == before
        if settled:
            fit.top_up()
        sizing = Sizing(tuple(fit.changes), net, reserve, fit.short(), tuple(sorted(fit.suppressed)))
        if settled:
            break
        if number >= _ROUNDS_FREE:  # shares that compete for the same money would go back and forth for ever
            fell = (i for i, (was, now) in enumerate(zip(before, sizing.changes, strict=True)) if now < was)
            caps |= {i: sizing.changes[i] for i in fell}
    return sizing


def _costs(lines: Sequence[Line], changes: Sequence[Decimal]) -> Decimal:
    """What the trades lose: value at the mark against money moved."""
    return sum(
        (-line.flow(change) - change * line.value for line, change in zip(lines, changes, strict=True) if change),
        ZERO,
    )


class _Fit:
    """One round: from the changes so far to better ones that the money pays for."""

    def __init__(
        self,
        lines: Sequence[Line],
        basis: Decimal,
        money: Decimal,
        before: Sequence[Decimal],
        caps: Mapping[int, Decimal],
    ) -> None:
        self.lines, self.caps = lines, caps
        self.gaps = [line.ideal(basis) - line.held for line in lines]
        self.suppressed: set[int] = set()
        self.lows = [self._low(i, change) for i, change in enumerate(before)]
        for i, cap in caps.items():
            self.lows[i] = min(self.lows[i], cap)
        self._fit(money, before)
        while small := [i for i, change in enumerate(self.changes) if change and self._too_small(i, change)]:
            self.suppressed.update(small)
            for i in small:
                self.lows[i] = ZERO
            self._fit(money, before)

    def top_up(self) -> None:
        """Whole shares after all for capped lines, now that nobody else asks for the money left."""
        for i in sorted(self.caps.keys() & set(self.short())):
            self.lows[i] = whole_floor(self.gaps[i])
            self._take_most(i)

    def short(self) -> tuple[int, ...]:
        """The lines that get whole shares less than they want because the money does not pay for more."""
        wanting = (i for i, gap in enumerate(self.gaps) if gap - self.changes[i] >= ONE and gap >= ONE)
        return tuple(i for i in wanting if self.lines[i].may_buy and i not in self.suppressed)

    def _low(self, i: int, before: Decimal) -> Decimal:
        """The change to the whole share below the ideal; 0 for a line that is left alone."""
        line, gap = self.lines[i], self.gaps[i]
        if -ONE < gap < ONE and not (before and -ONE < gap - before < ONE):
            return ZERO
        if not (line.may_buy if gap > 0 else line.may_sell):
            return ZERO
        return max(whole_floor(gap), -line.whole)

    def _too_small(self, i: int, change: Decimal) -> bool:
        return abs(change) * self.lines[i].value < self.lines[i].trade_min

    def _fit(self, money: Decimal, before: Sequence[Decimal]) -> None:
        self.changes = list(self.lows)
        self.left = money + sum((line.flow(low) for line, low in zip(self.lines, self.lows, strict=True) if low), ZERO)
        if self.left < 0:
            self._trim()
        else:
            self._round_up(before)

    def _round_up(self, before: Sequence[Decimal]) -> None:
        remainders = [
            (gap - low, i)
            for i, (gap, low) in enumerate(zip(self.gaps, self.lows, strict=True))
            if i not in self.suppressed
            and i not in self.caps
            and (low or before[i])
            and self._may_rise(i)
            and (gap - low > HALF or (gap > low and before[i] == low + ONE))
        ]
        for _, i in sorted(remainders, key=lambda found: (-found[0], found[1])):
            self._take(i, self.lows[i] + ONE)

    def _may_rise(self, i: int) -> bool:
        return self.lines[i].may_buy if self.gaps[i] > 0 else self.lines[i].may_sell

    def _trim(self) -> None:
        buys = [i for i, low in enumerate(self.lows) if low > 0]
        wanted = sum((self.lows[i] * self.lines[i].cost for i in buys), ZERO)
        if not wanted:
            return
        ratio = max(ONE + self.left / wanted, ZERO)
        for i in buys:
            change = whole_floor(self.lows[i] * ratio)
            self.left += self.lines[i].flow(change) - self.lines[i].flow(self.changes[i])
            self.changes[i] = change
        for i in sorted(buys, key=lambda i: (self.changes[i] - self.lows[i] * ratio, i)):
            if self.changes[i] < self.lows[i]:
                self._take(i, self.changes[i] + ONE)
        for i in sorted(buys, key=lambda i: (self.changes[i] - self.lows[i], i)):
            self._take_most(i)

    def _take(self, i: int, change: Decimal) -> bool:
        left = self.left + self.lines[i].flow(change) - self.lines[i].flow(self.changes[i])
        if left < 0:
            return False
        self.left, self.changes[i] = left, change
        return True

    def _take_most(self, i: int) -> None:
        """As many more shares as the money left pays for; commission makes that more than one division."""
        line = self.lines[i]
        while (more := min(whole_floor(self.left / line.cost), self.lows[i] - self.changes[i])) > 0:
            if self._take(i, self.changes[i] + more):
                return
            extra = line.flow(self.changes[i]) - line.flow(self.changes[i] + more) - more * line.cost
            fewer = max(whole_floor((self.left - extra) / line.cost), ONE)
            if not self._take(i, self.changes[i] + fewer):
                return
