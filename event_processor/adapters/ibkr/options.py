"""What the adapter can be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IbkrSettings:
    """Where the gateway is and how long to wait for it.

    `connect_timeout_seconds` bounds the handshake, `request_timeout_seconds` each answer counted from the moment its
    request left, `quote_timeout_seconds` the wait for prices. IBKR allows 50 messages a second and, by default, 100
    market data lines (TWS API, "Order Limitations", "Market Data Lines").

    `behind`: host and port of the gateway itself, where `host` and `port` are those of a relay, which accepts
    connections also when there is no gateway behind it.
    """

    host: str = "127.0.0.1"
    port: int = 4001
    behind: tuple[str, int] | None = None
    client_id: int = 17
    connect_timeout_seconds: float = 4.0
    request_timeout_seconds: float = 10.0
    quote_timeout_seconds: float = 5.0
    messages_per_second: int = 45
    market_data_lines: int = 100
    allow_delayed: bool = False
