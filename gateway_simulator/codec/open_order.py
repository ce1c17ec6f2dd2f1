"""openOrder and completedOrder: the order as the client described it, and the gateway's view of its state.

Sections follow `ibapi/decoder.py` (processOpenOrder, processCompletedOrderMsg) and `ibapi/orderdecoder.py`.
Every field has a name there; its text is what the client said, or what the gateway sends for an order that
does not use it.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from gateway_simulator.codec.fields import (
    UNSET_DOUBLE,
    UNSET_INTEGER,
    Value,
    contract_fields,
    double,
    message,
)
from gateway_simulator.codec.place_order import DELTA_NEUTRAL, PEG_BENCH, SCALE
from gateway_simulator.model import Contract, Order, OrderState

_NO_PARENT_PERM_ID = str(2**63 - 1)
_NO_RIGHT = "?"
_FA_PROFILE_GONE = 177
_PEG_OFFSETS = 170
_SINCE = ((158, "duration"), (160, "postToAts"), (162, "autoCancelParent"))

_ZERO = (
    "origin discretionaryAmt shortSaleSlot auctionStrategy blockOrder sweepToFill allOrNone eTradeOnly "
    "firmQuoteOnly triggerMethod volatilityType deltaNeutralConId deltaNeutralShortSale "
    "deltaNeutralShortSaleSlot continuousUpdate referencePriceType scaleAutoReset scaleRandomPercent "
    "optOutSmartRouting notHeld solicited randomizeSize randomizePrice referenceContractId "
    "isPeggedChangeAmountDecrease peggedChangeAmount referenceChangeAmount conditionsIgnoreRth "
    "conditionsCancelOrder adjustableTrailingUnit dontUseAutoPriceForHedge isOmsContainer "
    "discretionaryUpToLimitPrice usePriceMgmtAlgo autoCancelParent imbalanceOnly routeMarketableToBbo"
)
_NO_INTEGER = "displaySize scaleInitLevelSize scaleSubsLevelSize duration postToAts refFuturesConId"
_NO_DOUBLE = (
    "triggerPrice adjustedTrailStopPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount"
)
_UNUSED: dict[str, str] = {
    **dict.fromkeys(_ZERO.split(), "0"),
    **dict.fromkeys(_NO_INTEGER.split(), UNSET_INTEGER),
    **dict.fromkeys(_NO_DOUBLE.split(), UNSET_DOUBLE),
    "exemptCode": "-1",
    "ocaType": "3",
    "deltaNeutralOrderType": "None",
    "deltaNeutralOpenClose": "?",
    "clearingIntent": "IB",
    "adjustedOrderType": "None",
    "shareholder": "Not an insider or substantial shareholder",
    "parentPermId": _NO_PARENT_PERM_ID,
}
"""What the gateway sends for fields an order does not use; those not named here are empty."""


def open_order(server_version: int, contract: Contract, order: Order, state: OrderState) -> list[str]:
    """One open order, or with `order.what_if` the preview of one."""
    said = _said(order)
    return [
        *message(5, order.order_id),
        *contract_fields(contract, right=_NO_RIGHT),
        *_named(said, "action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin"),
        *_named(said, "orderRef clientId permId outsideRth hidden discretionaryAmt goodAfterTime sharesAllocation"),
        *_allocation(server_version, said),
        *_named(said, "shortSaleSlot designatedLocation exemptCode auctionStrategy startingPrice stockRefPrice"),
        *_named(said, "delta stockRangeLower stockRangeUpper displaySize blockOrder sweepToFill allOrNone minQty"),
        *_named(said, "ocaType eTradeOnly firmQuoteOnly nbboPriceCap parentId triggerMethod volatility"),
        *_named(said, "volatilityType deltaNeutralOrderType deltaNeutralAuxPrice"),
        *_named(said, DELTA_NEUTRAL),
        *_named(said, "continuousUpdate referencePriceType trailStopPrice trailingPercent basisPoints"),
        *_named(said, "basisPointsType comboLegsDescrip"),
        *_combo_and_scale(order, said),
        *_named(said, "optOutSmartRouting clearingAccount clearingIntent notHeld"),
        *_delta_neutral_and_algo(order),
        *_named(said, "solicited whatIf"),
        *_state(state),
        *_named(said, "randomizeSize randomizePrice"),
        *_peg_bench_and_conditions(order, said),
        *_named(said, "adjustedOrderType triggerPrice adjustedTrailStopPrice lmtPriceOffset adjustedStopPrice"),
        *_named(said, "adjustedStopLimitPrice adjustedTrailingAmount adjustableTrailingUnit softDollarTierName"),
        *_named(said, "softDollarTierValue softDollarTierDisplayName cashQty dontUseAutoPriceForHedge"),
        *_named(said, "isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo"),
        *(said[name] for version, name in _SINCE if server_version >= version),
        *_peg_offsets(server_version, said),
    ]


def completed_order(
    server_version: int, contract: Contract, order: Order, state: OrderState, filled_quantity: Decimal
) -> list[str]:
    """One order that ended today. It carries permId and orderRef but no order id and no client id."""
    said = _said(order)
    return [
        "101",
        *contract_fields(contract, right=_NO_RIGHT),
        *_named(said, "action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin"),
        *_named(said, "orderRef permId outsideRth hidden discretionaryAmt goodAfterTime"),
        *_allocation(server_version, said),
        *_named(said, "shortSaleSlot designatedLocation exemptCode startingPrice stockRefPrice delta"),
        *_named(said, "stockRangeLower stockRangeUpper displaySize sweepToFill allOrNone minQty ocaType"),
        *_named(said, "triggerMethod volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice"),
        *_named(said, "deltaNeutralConId deltaNeutralShortSale deltaNeutralShortSaleSlot"),
        *_named(said, "deltaNeutralDesignatedLocation continuousUpdate referencePriceType trailStopPrice"),
        *_named(said, "trailingPercent comboLegsDescrip"),
        *_combo_and_scale(order, said),
        *_named(said, "clearingAccount clearingIntent notHeld"),
        *_delta_neutral_and_algo(order),
        *message(said["solicited"], state.status),
        *_named(said, "randomizeSize randomizePrice"),
        *_peg_bench_and_conditions(order, said),
        *_named(said, "adjustedTrailStopPrice lmtPriceOffset cashQty dontUseAutoPriceForHedge isOmsContainer"),
        *message(said["autoCancelDate"], filled_quantity),
        *_named(said, "refFuturesConId autoCancelParent shareholder imbalanceOnly routeMarketableToBbo"),
        *message(said["parentPermId"], state.completed_time, state.completed_status),
        *_peg_offsets(server_version, said),
    ]


def _said(order: Order) -> defaultdict[str, str]:
    """The text of every field by name; a name nobody set is empty."""
    said = defaultdict(str, _UNUSED)
    said.update(order.extra)
    if "trailStopPrice" in order.extra:
        said["adjustedTrailStopPrice"] = order.extra["trailStopPrice"]
    attributes: dict[str, Value] = {
        "action": order.action,
        "totalQuantity": order.total_quantity,
        "orderType": order.order_type,
        "lmtPrice": order.lmt_price or 0,
        "auxPrice": order.aux_price or 0,
        "tif": order.tif,
        "ocaGroup": order.oca_group,
        "account": order.account,
        "orderRef": order.order_ref,
        "clientId": order.client_id,
        "permId": order.perm_id,
        "parentId": order.parent_id,
        "outsideRth": order.outside_rth,
        "hidden": order.hidden,
        "goodAfterTime": order.good_after_time,
        "goodTillDate": order.good_till_date,
        "whatIf": order.what_if,
        "cashQty": order.cash_qty or 0,
    }
    said.update(zip(attributes, message(*attributes.values()), strict=True))
    return said


def _named(said: defaultdict[str, str], names: str) -> list[str]:
    return [said[name] for name in names.split()]


def _allocation(server_version: int, said: defaultdict[str, str]) -> list[str]:
    profile = "faProfile" if server_version < _FA_PROFILE_GONE else ""
    names = f"faGroup faMethod faPercentage {profile} modelCode goodTillDate rule80A percentOffset settlingFirm"
    return _named(said, names)


def _combo_and_scale(order: Order, said: defaultdict[str, str]) -> list[str]:
    fields: list[str] = []
    for name in ("comboLegs", "orderComboLegs", "smartComboRoutingParams"):
        fields += _counted(order.groups.get(name, ()))
    fields += _named(said, "scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement")
    if said["scalePriceIncrement"] and Decimal(said["scalePriceIncrement"]) > 0:
        fields += _named(said, SCALE)
    fields.append(said["hedgeType"])
    if said["hedgeType"]:
        fields.append(said["hedgeParam"])
    return fields


def _delta_neutral_and_algo(order: Order) -> list[str]:
    fields = _counted(order.groups.get("deltaNeutralContract", ()))
    fields.append(order.algo_strategy)
    if order.algo_strategy:
        fields += _counted(order.algo_params)
    return fields


def _peg_bench_and_conditions(order: Order, said: defaultdict[str, str]) -> list[str]:
    fields = _named(said, PEG_BENCH) if order.order_type in {"PEG BENCH", "PEGBENCH"} else []
    conditions = order.groups.get("conditions", ())
    fields += _counted(conditions)
    if conditions:
        fields += _named(said, "conditionsIgnoreRth conditionsCancelOrder")
    return fields


def _peg_offsets(server_version: int, said: defaultdict[str, str]) -> list[str]:
    if server_version < _PEG_OFFSETS:
        return []
    return _named(said, "minTradeQty minCompeteSize competeAgainstBestOffset midOffsetAtWhole midOffsetAtHalf")


def _counted(groups: tuple[tuple[str, ...], ...]) -> list[str]:
    return [str(len(groups)), *(text for group in groups for text in group)]


def _state(state: OrderState) -> list[str]:
    margins = (
        state.init_margin_before,
        state.maint_margin_before,
        state.equity_with_loan_before,
        state.init_margin_change,
        state.maint_margin_change,
        state.equity_with_loan_change,
        state.init_margin_after,
        state.maint_margin_after,
        state.equity_with_loan_after,
    )
    no_range = ("", "")  # least and greatest commission: the simulator always knows the one amount
    return [
        state.status,
        *(double(margin) for margin in margins),
        *message(state.commission, *no_range, state.commission_currency, state.warning_text),
    ]
