"""What a handler may do with the client that asked."""

from __future__ import annotations

from typing import Protocol

from gateway_simulator.simulator import Simulator


class Peer(Protocol):
    """One connected client."""

    sim: Simulator
    client_id: int
    server_version: int

    @property
    def closed(self) -> bool:
        """Whether the connection has gone; nothing can be sent any more."""

    def send(self, fields: list[str]) -> None:
        """Send one message; without effect on a closed connection."""

    def error(self, request_id: int, code: int, text: str) -> None:
        """Send an error about a request, or about the connection (-1)."""
