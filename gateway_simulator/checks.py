"""Why an order is refused: IBKR's codes and words, one rule each, the first that objects decides.

Some rules are the gateway's own, answered at once; the rest are the exchange's, after acceptance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from .account_values import Valuation
from .accounts import Account
from .matching import AUCTIONS, SUPPORTED, TIFS, commission
from .model import ZERO, Contract, Order
from .settings import GatewaySettings
from .universe import Listing, increment_at


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error code and its text; `inactive` when the order is kept and shown as Inactive."""

    code: int
    text: str
    inactive: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """An order with what is needed to judge it."""

    order: Order
    contract: Contract
    listings: list[Listing]
    accounts: dict[str, Account]
    gateway: GatewaySettings
    read_only: bool

    @property
    def listing(self) -> Listing:
        return self.listings[0]

    @property
    def account(self) -> Account:
        return self.accounts[self.order.account]


Rule = Callable[[Asked], Refusal | None]


def _read_only(asked: Asked) -> Refusal | None:
    if not asked.read_only:
        return None
    return Refusal(321, "Error validating request.-'bO' : cause - The API interface is currently in Read-Only mode.")


def _side(asked: Asked) -> Refusal | None:
    if asked.order.action in {"BUY", "SELL"}:
        return None
    return Refusal(321, f"Error validating request.-'bO' : cause - Invalid side {asked.order.action!r}.")


def _exchange(asked: Asked) -> Refusal | None:
    if asked.contract.exchange:
        return None
    return Refusal(321, "Error validating request.-'bO' : cause - Please enter exchange")


def _contract(asked: Asked) -> Refusal | None:
    if len(asked.listings) == 1:
        return None
    if asked.listings:
        return Refusal(200, "The contract description specified for " + asked.contract.symbol + " is ambiguous.")
    return Refusal(200, "No security definition has been found for the request")


def _quantity(asked: Asked) -> Refusal | None:
    quantity = asked.order.total_quantity
    if quantity <= 0:
        return Refusal(434, "The order size cannot be zero.")
    if quantity == quantity.to_integral_value() or asked.listing.contract.sec_type == "CASH":
        return None
    if asked.order.account in asked.accounts and asked.account.fractional:
        return None
    return Refusal(
        10243,
        "Fractional-sized order cannot be placed via API. Please use desktop version to place this order.",
    )


def _account(asked: Asked) -> Refusal | None:
    if not asked.order.account:
        return Refusal(435, "You must specify an account.")
    if asked.order.account in asked.accounts:
        return None
    return Refusal(
        321, f"Error validating request.-'bO' : cause - The account code {asked.order.account!r} is invalid."
    )


def _order_type(asked: Asked) -> Refusal | None:
    order = asked.order
    if order.order_type not in SUPPORTED:
        return Refusal(387, f"Unsupported order type for this exchange and security type: {order.order_type}")
    if order.algo_strategy not in {"", "Adaptive"}:
        return Refusal(439, f"The order processing algorithm {order.algo_strategy} is not defined here.")
    if order.parent_id or order.oca_group:
        return Refusal(201, "Order rejected - reason:attached and OCA orders are not simulated")
    if order.order_type in {"LMT", "LOC"} and not order.lmt_price:
        return Refusal(321, "Error validating request.-'bO' : cause - Please enter a limit price")
    return None


def _tif(asked: Asked) -> Refusal | None:
    order = asked.order
    if order.tif not in TIFS:
        return Refusal(201, f"Order rejected - reason:Invalid time in force: {order.tif}")
    if order.order_type in AUCTIONS and order.tif != "DAY":
        return Refusal(113, "The TIF (time in force) should be DAY for MOC/LOC orders.")
    return None


def _price_step(asked: Asked) -> Refusal | None:
    price = asked.order.lmt_price
    if not price or price % increment_at(asked.listing.instrument, price) == 0:
        return None
    return Refusal(110, "The price does not conform to the minimum price variation for this contract.")


GATEWAY_RULES: tuple[Rule, ...] = (
    _read_only,
    _side,
    _exchange,
    _contract,
    _account,
    _quantity,
    _order_type,
    _tif,
    _price_step,
)


def refused_by_gateway(asked: Asked) -> Refusal | None:
    """The first of the gateway's rules that objects."""
    return next((refusal for rule in GATEWAY_RULES if (refusal := rule(asked))), None)


def permission(listing: Listing) -> Refusal | None:
    """The exchange's rule about what may be traded at all."""
    if listing.tradable and listing.contract.sec_type in {"STK", "CASH", "OPT"}:
        return None
    symbol = listing.contract.symbol
    return Refusal(201, f"Order rejected - reason:No trading permissions for {symbol}", inactive=True)


def crowding(working: int, limit: int) -> Refusal | None:
    """At most `limit` working orders per contract, side and account."""
    if working < limit:
        return None
    text = f"Order rejected - reason:There can be at most {limit} working orders on one side of one contract"
    return Refusal(201, text, inactive=True)


def short_sale(account: Account, order: Order, contract: Contract, selling: Decimal) -> Refusal | None:
    """A cash account cannot sell more than it holds less what it is already selling."""
    if order.action == "BUY" or account.margin > 1 or contract.sec_type == "CASH":
        return None
    if order.total_quantity <= account.books.quantity(contract.con_id) - selling:
        return None
    text = "Order rejected - reason:The contract is not available for short sale in a cash account"
    return Refusal(201, text, inactive=True)


def order_cost(order: Order, contract: Contract, price: Decimal) -> Decimal:
    """What a buy may cost in the contract's currency, commission included; 0 for a sale."""
    if order.action == "SELL" or contract.sec_type == "CASH":
        return ZERO
    quantity = order.total_quantity
    return quantity * price * Decimal(contract.multiplier or 1) + commission(contract, quantity, price)


def buying_power(view: Valuation, cost: Decimal, reserved: Decimal) -> Refusal | None:
    """A buy may cost no more than buying power less what working buys reserve; amounts in base currency."""
    account = view.account
    if cost == 0:
        return None
    power = view.total(view.cash) if account.margin <= 1 else view.available_funds * account.margin
    if cost <= power - reserved:
        return None
    need, have = f"{cost:.2f}", f"{power - reserved:.2f}"
    text = (
        "Order rejected - reason:We are unable to accept your order. Your Available Funds are insufficient "
        f"to cover the order: CASH AVAILABLE: {have}; CASH NEEDED: {need} {account.base_currency}"
    )
    return Refusal(201, text, inactive=True)
