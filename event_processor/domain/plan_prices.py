"""What each contract of a plan is worth, costs and brings, from the quotes of one snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from event_processor.domain.contract import Contract
from event_processor.domain.ids import ConId
from event_processor.domain.money import ZERO, buy_limit, sell_limit
from event_processor.domain.policy import OrderStyle, TradingPolicy
from event_processor.domain.portfolio import PortfolioSnapshot, Quote
from event_processor.errors import PlanError, QuotesUnavailable

_TICK = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Priced:
    """A contract, how much of it is held, and its prices.

    `price` is the mark in the contract's currency, `rate` the base value of one unit of it. Base money for
    one share: `value` at the mark, `cost` when bought, `proceeds` when sold. The limits are None for market
    orders.
    """

    contract: Contract
    held: Decimal
    price: Decimal
    rate: Decimal
    value: Decimal
    cost: Decimal
    proceeds: Decimal
    buy_limit: Decimal | None
    sell_limit: Decimal | None


def held_contracts(snapshot: PortfolioSnapshot) -> dict[ConId, tuple[Contract, Decimal]]:
    """Stock-like holdings, netted by contract."""
    held: dict[ConId, tuple[Contract, Decimal]] = {}
    for position in snapshot.state.positions:
        contract = position.contract
        if contract.stock_like:
            _, before = held.get(contract.con_id, (contract, ZERO))
            held[contract.con_id] = contract, before + position.quantity
    return {con_id: found for con_id, found in held.items() if found[1]}


def price_all(
    targeted: Iterable[Contract], snapshot: PortfolioSnapshot, policy: TradingPolicy
) -> Mapping[ConId, Priced]:
    """Every targeted contract and every stock-like holding with its prices, in the order of their conIds.

    Raises:
        QuotesUnavailable: contracts without a price, all named.
        PlanError: currencies without an exchange rate, all named.
    """
    held = held_contracts(snapshot)
    contracts = {con_id: contract for con_id, (contract, _) in held.items()}
    contracts.update((contract.con_id, contract) for contract in targeted)
    _check(contracts.values(), snapshot)
    return {
        con_id: _priced(contracts[con_id], held.get(con_id, (None, ZERO))[1], snapshot, policy)
        for con_id in sorted(contracts)
    }


def _check(contracts: Iterable[Contract], snapshot: PortfolioSnapshot) -> None:
    known = list(contracts)
    base = snapshot.state.base_currency
    unpriced = sorted(c.symbol for c in known if not _usable(snapshot.quotes.get(c.con_id)))
    if unpriced:
        raise QuotesUnavailable(f"no price for {', '.join(unpriced)}: without it the account has no known value")
    rateless = sorted({c.currency for c in known if not snapshot.state.rate(c.currency)})
    if rateless:
        raise PlanError(
            f"no exchange rate from {', '.join(rateless)} to {base}: IBKR gives rates only for currencies the"
            " account has held; convert a little cash once"
        )


def _usable(quote: Quote | None) -> bool:
    if quote is None:
        return False
    prices = (quote.mark, quote.to_buy, quote.to_sell)
    return all(price is not None and price > 0 for price in prices)


def _priced(contract: Contract, held: Decimal, snapshot: PortfolioSnapshot, policy: TradingPolicy) -> Priced:
    quote = snapshot.quotes[contract.con_id]
    rate = snapshot.state.rate(contract.currency)
    mark, to_buy, to_sell = quote.mark, quote.to_buy, quote.to_sell
    if mark is None or to_buy is None or to_sell is None or rate is None:
        raise QuotesUnavailable(f"no price for {contract.symbol}")
    buy = sell = None
    if policy.order_style is OrderStyle.MARKETABLE_LIMIT:
        tick = contract.min_tick if contract.min_tick > 0 else _TICK
        buy = buy_limit(to_buy, policy.limit_offset_bps, tick)
        sell = sell_limit(to_sell, policy.limit_offset_bps, tick)
    return Priced(
        contract=contract,
        held=held,
        price=mark,
        rate=rate,
        value=mark * rate,
        cost=(to_buy if buy is None else buy) * rate,
        proceeds=to_sell * rate,
        buy_limit=buy,
        sell_limit=sell,
    )
