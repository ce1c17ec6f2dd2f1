"""Answers about contracts: their details, symbol search and price increments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from gateway_simulator.codec.fields import message
from gateway_simulator.model import Instrument

_SIZE_RULES = 164
_FRACTIONAL_SIZES = 163
_BOND_ISSUER_ID = 176


def contract_data(
    server_version: int,
    request_id: int,
    instrument: Instrument,
    *,
    time_zone: str,
    trading_hours: str,
    liquid_hours: str,
) -> list[str]:
    """Everything about one contract.

    Hours as IBKR writes them: `20240603:0930-20240603:1600;20240604:CLOSED`.
    """
    contract = instrument.contract
    sized = server_version >= _SIZE_RULES
    no_event, no_multiplier, no_secondary_ids, exchange_group = "", "", "0", "1"
    fields = message(10)
    if not sized:
        fields += message(8)  # message version
    fields += message(
        request_id, contract.symbol, contract.sec_type, contract.last_trade_date, contract.strike,
        contract.right, contract.exchange, contract.currency, contract.local_symbol, instrument.market_name,
        contract.trading_class, contract.con_id, instrument.min_tick,
    )  # fmt: skip
    if not sized:
        fields += message(1)  # market data size multiplier
    fields += message(
        contract.multiplier, instrument.order_types, instrument.valid_exchanges, instrument.price_magnifier,
        0, instrument.long_name, contract.primary_exchange, "",  # no underlying, no contract month
        instrument.industry, instrument.category, instrument.subcategory, time_zone, trading_hours,
        liquid_hours, no_event, no_multiplier, no_secondary_ids, exchange_group,
        "", "", instrument.market_rule_ids, "", instrument.stock_type,  # no underlying, no real expiration
    )  # fmt: skip
    if sized:
        fields += message(instrument.min_size, instrument.size_increment, instrument.size_increment)
    elif server_version == _FRACTIONAL_SIZES:
        fields += message(instrument.min_size)
    return fields


def contract_data_end(request_id: int) -> list[str]:
    """No more contracts match this request."""
    return message(52, 1, request_id)


def symbol_samples(server_version: int, request_id: int, matches: Sequence[Instrument]) -> list[str]:
    """Contracts whose symbol or name matches; as for IBKR, stocks are shown without derivatives."""
    fields = message(79, request_id, len(matches))
    for instrument in matches:
        contract = instrument.contract
        no_derivatives = 0
        fields += message(
            contract.con_id, contract.symbol, contract.sec_type, contract.primary_exchange, contract.currency,
            no_derivatives,
        )  # fmt: skip
        if server_version >= _BOND_ISSUER_ID:
            fields += message(instrument.long_name, "")  # description, issuer id
    return fields


def market_rule(rule_id: int, increments: Iterable[tuple[Decimal, Decimal]]) -> list[str]:
    """The price increments of one rule: pairs of lowest price and increment, rising."""
    pairs = list(increments)
    return message(93, rule_id, len(pairs), *(value for pair in pairs for value in pair))
