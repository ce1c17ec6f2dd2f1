"""placeOrder, the longest request: a hundred fields in sections, some present only when others say so.

The sections below are the layout of `EClient.placeOrder` (`ibapi/client.py`), names as in `ibapi/order.py`.
Fields the simulator acts on become attributes of `Order`; the others wait in `Order.extra` and `Order.groups`
for the echo in openOrder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gateway_simulator.codec.fields import FieldError, FieldReader, is_unset
from gateway_simulator.codec.requests import PlaceOrder
from gateway_simulator.model import ZERO, Order

_CONDITION_SIZES = {"1": 6, "3": 3, "4": 3, "5": 4, "6": 5, "7": 5}
"""Fields after the type of an order condition (`ibapi/order_condition.py`)."""
SCALE = (
    "scalePriceAdjustValue scalePriceAdjustInterval scaleProfitOffset scaleAutoReset scaleInitPosition "
    "scaleInitFillQty scaleRandomPercent"
)
PEG_BENCH = (
    "referenceContractId isPeggedChangeAmountDecrease peggedChangeAmount referenceChangeAmount referenceExchangeId"
)
DELTA_NEUTRAL = (
    "deltaNeutralConId deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent "
    "deltaNeutralOpenClose deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation"
)
_MAIN = (
    "action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef "
    "transmit parentId blockOrder sweepToFill displaySize triggerMethod outsideRth hidden"
)
_ALLOCATION = "sharesAllocation discretionaryAmt goodAfterTime goodTillDate faGroup faMethod faPercentage"
_EXTENDED = (
    "modelCode shortSaleSlot designatedLocation exemptCode ocaType rule80A settlingFirm allOrNone minQty "
    "percentOffset eTradeOnly firmQuoteOnly nbboPriceCap auctionStrategy startingPrice stockRefPrice delta "
    "stockRangeLower stockRangeUpper overridePercentageConstraints volatility volatilityType "
    "deltaNeutralOrderType deltaNeutralAuxPrice"
)
_TRAIL = (
    "continuousUpdate referencePriceType trailStopPrice trailingPercent scaleInitLevelSize "
    "scaleSubsLevelSize scalePriceIncrement"
)
_CLEARING = "optOutSmartRouting clearingAccount clearingIntent notHeld"
_FLAGS = "algoId whatIf orderMiscOptions solicited randomizeSize randomizePrice"
_ADJUSTED = (
    "adjustedOrderType triggerPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice "
    "adjustedTrailingAmount adjustableTrailingUnit extOperator softDollarTierName softDollarTierValue "
    "cashQty mifid2DecisionMaker mifid2DecisionAlgo mifid2ExecutionTrader mifid2ExecutionAlgo "
    "dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo"
)
_SINCE = (
    (158, "duration"),
    (160, "postToAts"),
    (162, "autoCancelParent"),
    (166, "advancedErrorOverride"),
    (169, "manualOrderTime"),
)
_FA_PROFILE_GONE = 177
_PEG_OFFSETS = 170
_INFINITE = {"Infinity", "Infinite"}
"""How IBKR's client and ib_async write "up to the midpoint"; only the first can be echoed to both."""

_T = TypeVar("_T")


def place_order(server_version: int, reader: FieldReader) -> PlaceOrder:
    """Decode one placeOrder after its message id. Raises FieldError."""
    order_id = reader.integer()
    contract = reader.contract()
    sec_id_type, sec_id = reader.text(), reader.text()
    said = _Said(reader, server_version)
    said.main(is_combo=contract.sec_type == "BAG")
    said.pricing()
    said.routing()
    said.conditions()
    said.recent(contract.exchange)
    return PlaceOrder(order_id, contract, sec_id_type, sec_id, said.order(order_id), reader.rest())


class _Said:
    """What the client said about one order so far: single fields and groups, by name."""

    def __init__(self, reader: FieldReader, server_version: int) -> None:
        self._reader = reader
        self._version = server_version
        self._fields: dict[str, str] = {}
        self._groups: dict[str, tuple[tuple[str, ...], ...]] = {}

    def main(self, *, is_combo: bool) -> None:
        """Action to hidden, combo legs, financial-advisor allocation, and the extended fields."""
        self._take(_MAIN)
        if is_combo:
            self._take_groups("comboLegs", 8)
            self._take_groups("orderComboLegs", 1)
            self._take_groups("smartComboRoutingParams", 2)
        self._take(_ALLOCATION)
        if self._version < _FA_PROFILE_GONE:
            self._take("faProfile")
        self._take(_EXTENDED)

    def pricing(self) -> None:
        """Delta-neutral, trailing, scale and hedge fields."""
        if self._fields["deltaNeutralOrderType"]:
            self._take(DELTA_NEUTRAL)
        self._take(_TRAIL)
        increment = _read("scalePriceIncrement", self._fields["scalePriceIncrement"], FieldReader.number)
        if increment is not None and increment > 0:
            self._take(SCALE)
        self._take("scaleTable activeStartTime activeStopTime hedgeType")
        if self._fields["hedgeType"]:
            self._take("hedgeParam")

    def routing(self) -> None:
        """Clearing, a delta-neutral contract, the algorithm and the flags after it."""
        self._take(_CLEARING)
        if self._reader.boolean():
            self._groups["deltaNeutralContract"] = (self._reader.texts(3),)
        self._take("algoStrategy")
        if self._fields["algoStrategy"]:
            self._take_groups("algoParams", 2)
        self._take(_FLAGS)

    def conditions(self) -> None:
        """Pegged-to-benchmark fields, conditions and the adjusted order."""
        if self._fields["orderType"] in {"PEG BENCH", "PEGBENCH"}:
            self._take(PEG_BENCH)
        conditions = tuple(self._condition() for _ in range(self._reader.count()))
        if conditions:
            self._groups["conditions"] = conditions
            self._take("conditionsIgnoreRth conditionsCancelOrder")
        self._take(_ADJUSTED)

    def recent(self, exchange: str) -> None:
        """Fields that only newer servers are sent."""
        for version, name in _SINCE:
            if self._version >= version:
                self._take(name)
        if self._version < _PEG_OFFSETS:
            return
        if exchange == "IBKRATS":
            self._take("minTradeQty")
        order_type = self._fields["orderType"]
        to_midpoint = order_type in {"PEG MID", "PEGMID"}
        if order_type in {"PEG BEST", "PEGBEST"}:
            self._take("minCompeteSize competeAgainstBestOffset")
            to_midpoint = self._fields["competeAgainstBestOffset"] in _INFINITE
            if to_midpoint:
                self._fields["competeAgainstBestOffset"] = "Infinity"
        if to_midpoint:
            self._take("midOffsetAtWhole midOffsetAtHalf")

    def order(self, order_id: int) -> Order:
        """The order, everything not an attribute of it in `extra` and `groups`."""
        algo_params = self._groups.pop("algoParams", ())
        return Order(
            order_id=order_id,
            action=self._fields.pop("action"),
            total_quantity=self._pop("totalQuantity", FieldReader.number) or ZERO,
            order_type=self._fields.pop("orderType"),
            lmt_price=self._pop("lmtPrice", FieldReader.number),
            aux_price=self._pop("auxPrice", FieldReader.number),
            tif=self._fields.pop("tif"),
            oca_group=self._fields.pop("ocaGroup"),
            account=self._fields.pop("account"),
            order_ref=self._fields.pop("orderRef"),
            parent_id=self._pop("parentId", FieldReader.integer),
            transmit=self._pop("transmit", FieldReader.boolean),
            outside_rth=self._pop("outsideRth", FieldReader.boolean),
            hidden=self._pop("hidden", FieldReader.boolean),
            what_if=self._pop("whatIf", FieldReader.boolean),
            algo_strategy=self._fields.pop("algoStrategy"),
            algo_params=tuple((tag, value) for tag, value in algo_params),
            good_after_time=self._fields.pop("goodAfterTime"),
            good_till_date=self._fields.pop("goodTillDate"),
            cash_qty=self._pop("cashQty", FieldReader.number),
            extra={name: text for name, text in self._fields.items() if not is_unset(text)},
            groups=self._groups,
        )

    def _take(self, names: str) -> None:
        for name in names.split():
            self._fields[name] = self._reader.text()

    def _take_groups(self, name: str, size: int) -> None:
        if groups := self._reader.groups(size):
            self._groups[name] = groups

    def _condition(self) -> tuple[str, ...]:
        kind = self._reader.text()
        if kind not in _CONDITION_SIZES:
            raise FieldError(f"an order condition of unknown type {kind[:20]!r}")
        return (kind, *self._reader.texts(_CONDITION_SIZES[kind]))

    def _pop(self, name: str, read: Callable[[FieldReader], _T]) -> _T:
        return _read(name, self._fields.pop(name), read)


def _read(name: str, text: str, read: Callable[[FieldReader], _T]) -> _T:
    try:
        return read(FieldReader([text]))
    except FieldError as problem:
        raise FieldError(f"{name}: {problem}") from problem
