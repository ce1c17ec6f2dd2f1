"""What an order would cost and what margin it would need; pure."""

from __future__ import annotations

from decimal import Decimal

from .account_values import CENT, Valuation
from .matching import commission
from .model import Contract, Order, OrderState, Status


def state(order: Order, contract: Contract, price: Decimal, view: Valuation) -> OrderState:
    """The answer to a what-if order: margin before, change, after in base currency, and the commission."""
    value = order.total_quantity * price * Decimal(contract.multiplier or 1) * view.to_base(contract.currency)
    held = view.books.quantity(contract.con_id)
    moved = order.total_quantity if order.action == "BUY" else -order.total_quantity
    direction = 1 if abs(held + moved) >= abs(held) else -1
    fee = commission(contract, order.total_quantity, price)
    before = _cents(view.margin_used)
    change = _cents(direction * value / view.account.margin)
    equity = _cents(view.net_liquidation)
    fee_in_base = _cents(fee * view.to_base(contract.currency))
    return OrderState(
        status=Status.PRE_SUBMITTED,
        commission=fee,
        commission_currency=contract.currency,
        init_margin_before=before,
        maint_margin_before=before,
        equity_with_loan_before=equity,
        init_margin_change=change,
        maint_margin_change=change,
        equity_with_loan_change=-fee_in_base,
        init_margin_after=before + change,
        maint_margin_after=before + change,
        equity_with_loan_after=equity - fee_in_base,
    )


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT)
