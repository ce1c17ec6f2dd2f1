"""What sets off the faults of a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .actions import ActionError
from .clock import Action
from .model import Execution
from .settings import FaultSettings
from .working import WorkingOrder

if TYPE_CHECKING:
    from .simulator import Simulator


class Triggers:
    """Watches the run and carries out each fault of the scenario once, when its moment has come."""

    def __init__(self, simulator: Simulator, faults: tuple[FaultSettings, ...]) -> None:
        self._sim = simulator
        self._waiting: list[FaultSettings] = []
        self._accepted = 0
        self._executed = 0
        for fault in faults:
            self._arm(fault)
        simulator.exchange.on_accepted.append(self._order_accepted)
        simulator.floor.on_execution.append(self._order_executed)

    def _arm(self, fault: FaultSettings) -> None:
        if fault.after_orders_accepted or fault.after_executions or fault.on_symbol:
            self._waiting.append(fault)
        elif fault.at_seconds:
            self._sim.scheduler.after(fault.at_seconds, lambda: self._run(fault))
        else:
            self._run(fault)

    def _order_accepted(self, working: WorkingOrder) -> None:
        self._accepted += 1
        self._fire(working.contract.symbol)

    def _order_executed(self, _execution: Execution) -> None:
        self._executed += 1
        self._fire("")

    def _fire(self, symbol: str) -> None:
        due = [fault for fault in self._waiting if self._is_due(fault, symbol)]
        for fault in due:
            self._waiting.remove(fault)
            if fault.at_seconds:
                self._sim.scheduler.after(fault.at_seconds, self._runner(fault))
            else:
                self._run(fault)

    def _is_due(self, fault: FaultSettings, symbol: str) -> bool:
        return (
            self._accepted >= fault.after_orders_accepted
            and self._executed >= fault.after_executions
            and fault.on_symbol in ("", symbol)
        )

    def _runner(self, fault: FaultSettings) -> Action:
        return lambda: self._run(fault)

    def _run(self, fault: FaultSettings) -> None:
        try:
            self._sim.actions.run(fault.action, fault.parameters)
        except ActionError as error:
            self._sim.ledger.write("fault_failed", action=fault.action, reason=str(error))
