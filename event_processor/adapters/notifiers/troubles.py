"""Troubles that pass by themselves are told only when they last."""

from __future__ import annotations

from dataclasses import dataclass

from event_processor.adapters.notifiers.message import Message


@dataclass(slots=True)
class _Trouble:
    message: Message
    due: float
    told: bool = False


class Troubles:
    """What is wrong now, by name. All times are `Clock.monotonic`."""

    def __init__(self) -> None:
        self._open: dict[str, _Trouble] = {}

    def begin(self, name: str, message: Message, due: float) -> None:
        """The trouble is there; to be told at `due` unless it ends before. One that is open already stays as it is."""
        self._open.setdefault(name, _Trouble(message, due))

    def end(self, name: str) -> bool:
        """The trouble is over; whether it had been told."""
        trouble = self._open.pop(name, None)
        return trouble is not None and trouble.told

    def calm(self, prefix: str, *, but: str = "") -> None:
        """Forget what was not told yet among the names that begin like this, except for one."""
        for name in [name for name, one in self._open.items() if name.startswith(prefix) and not one.told]:
            if name != but:
                del self._open[name]

    def end_all(self, prefix: str) -> bool:
        """Every trouble whose name begins like this is over; whether any had been told."""
        told = [self.end(name) for name in list(self._open) if name.startswith(prefix)]
        return any(told)

    def due(self, now: float) -> list[Message]:
        """What has lasted long enough to be told now, each once."""
        ripe = [one for one in self._open.values() if not one.told and one.due <= now]
        for one in ripe:
            one.told = True
        return [one.message for one in ripe]

    def next_due(self) -> float | None:
        """When `due` is worth asking again."""
        return min((one.due for one in self._open.values() if not one.told), default=None)
