"""Who is connected, and the delivery of reports to them."""

from __future__ import annotations

from .clock import Scheduler
from .events import Client, ErrorNotice, Event
from .working import WorkingOrder


class ClientIdInUse(Exception):
    """Another connection has this client id (error 326)."""


class Reporter:
    """Delivers reports to clients. What comes from the exchange is lost while the link is down."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._clients: dict[int, Client] = {}
        self._busy_until: dict[int, float] = {}
        self.linked = True
        self.busy_seconds = 0.0
        """How long a client id stays in use after its connection has gone."""

    @property
    def clients(self) -> list[Client]:
        return [self._clients[client_id] for client_id in sorted(self._clients)]

    def attach(self, client: Client) -> None:
        """Let a client in; raises ClientIdInUse."""
        busy = self._busy_until.get(client.client_id, 0.0) > self._scheduler.now()
        if busy or client.client_id in self._clients:
            raise ClientIdInUse(client.client_id)
        self._clients[client.client_id] = client

    def detach(self, client: Client) -> None:
        """Forget a client; without effect when it is not (or no longer) attached."""
        if self._clients.get(client.client_id) is client:
            del self._clients[client.client_id]
            self._busy_until[client.client_id] = self._scheduler.now() + self.busy_seconds

    def find(self, client_id: int) -> Client | None:
        return self._clients.get(client_id)

    def say(self, client_id: int, event: Event) -> None:
        """Deliver something the gateway itself says, whatever the link does."""
        client = self._clients.get(client_id)
        if client is not None:
            client.deliver(event)

    def announce(self, event: Event) -> None:
        """`say` to everybody."""
        for client in self.clients:
            client.deliver(event)

    def broadcast(self, event: Event) -> None:
        """Deliver something from IBKR to everybody, unless the link is down."""
        if self.linked:
            self.announce(event)

    def report(self, working: WorkingOrder, events: list[Event], *, delay: float = 0.0) -> None:
        """Deliver reports about an order to the client that placed it, as late as its faults say."""
        wait = delay + working.conduct.delay_ms / 1000
        if wait > 0:
            self._scheduler.after(wait, lambda: self._report(working.order.client_id, events))
        else:
            self._report(working.order.client_id, events)

    def _report(self, client_id: int, events: list[Event]) -> None:
        if self.linked:
            for event in events:
                self.say(client_id, event)

    def drop(self, client_id: int, reason: str) -> None:
        client = self._clients.get(client_id)
        if client is not None:
            client.drop(reason)

    def drop_all(self, reason: str) -> None:
        for client in self.clients:
            client.drop(reason)

    def notify(self, code: int, text: str) -> None:
        """A system message to everybody."""
        self.announce(ErrorNotice(-1, code, text))
