"""What a client can ask about contracts and prices.

The order of fields is the order on the wire (see `requests`).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway_simulator.model import Contract


@dataclass(frozen=True, slots=True)
class ReqContractDetails:
    """All contracts that fit the fields of `contract` that are set."""

    request_id: int
    contract: Contract
    include_expired: bool
    sec_id_type: str
    sec_id: str
    issuer_id: str = ""


@dataclass(frozen=True, slots=True)
class ReqMatchingSymbols:
    """Contracts whose symbol or name begins like `pattern`."""

    request_id: int
    pattern: str


@dataclass(frozen=True, slots=True)
class ReqMarketRule:
    """The price increments of one market rule."""

    market_rule_id: int


@dataclass(frozen=True, slots=True)
class ReqMktData:
    """Prices of one contract, streaming or once; `generic_ticks` is a list with commas."""

    request_id: int
    contract: Contract
    generic_ticks: str
    snapshot: bool
    regulatory_snapshot: bool


@dataclass(frozen=True, slots=True)
class CancelMktData:
    """No more prices for this request."""

    request_id: int


@dataclass(frozen=True, slots=True)
class ReqMarketDataType:
    """Which prices to send: 1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""

    market_data_type: int


@dataclass(frozen=True, slots=True)
class ReqHistoricalData:
    """Bars up to `end` (empty: now), and with `keep_up_to_date` from then on."""

    request_id: int
    contract: Contract
    include_expired: bool
    end: str
    bar_size: str
    duration: str
    use_rth: bool
    what_to_show: str
    format_date: int
    keep_up_to_date: bool


@dataclass(frozen=True, slots=True)
class CancelHistoricalData:
    """No more bars for this request."""

    request_id: int


@dataclass(frozen=True, slots=True)
class ReqHeadTimestamp:
    """The earliest time for which there is data."""

    request_id: int
    contract: Contract
    include_expired: bool
    use_rth: bool
    what_to_show: str
    format_date: int


@dataclass(frozen=True, slots=True)
class CancelHeadTimestamp:
    """No more interest in the earliest time."""

    request_id: int
