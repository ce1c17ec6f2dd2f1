"""What a card has in its hands while it is played."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from event_processor.adapters.ibkr.gateway import IbkrSettings
from event_processor.domain.ids import AccountId
from event_processor.entrypoints.drill.card import Card, Check, DrillSkipped
from event_processor.entrypoints.drill.place import Place
from event_processor.entrypoints.drill.trader import Trader, trading

CLIENT_ID = 970
"""The drill's own client id, far from the processor's; the next ones are its second and third clients."""


@dataclass(slots=True)
class Stage:
    """`say` tells the person in front of the screen something; None when nobody is there."""

    card: Card
    place: Place
    account: AccountId
    symbol: str
    run: str
    say: Callable[[str], None] | None = None
    named: bool = False
    checks: list[Check] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    _traders: int = 0

    def trader(self, client: int = 0) -> AbstractAsyncContextManager[Trader]:
        """A connected session of ours under the drill's client id, or a later one."""
        self._traders += 1
        return trading(self.settings(client), self.account, f"{self.run}-{self.card.number}-{self._traders}")

    def settings(self, client: int = 0) -> IbkrSettings:
        """How that session connects."""
        return IbkrSettings(host=self.place.host, port=self.place.port, client_id=CLIENT_ID + client)

    def note(self, what: str, value: object) -> None:
        """Something seen that is worth reporting."""
        self.seen[what] = str(value)

    def check(self, name: str, ok: object, seen: object) -> None:
        """Whether a criterion of the card holds, and what was seen."""
        self.checks.append(Check(name, self.card.passes[name], bool(ok), str(seen)))

    def ask(self, words: str) -> None:
        """Tell the person what to do; raises DrillSkipped when nobody is there."""
        if self.say is None:
            raise DrillSkipped("nobody is at the screen to do what the card asks for")
        self.say(words)
