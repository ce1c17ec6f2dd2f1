"""What the Compose stack reads from .env beside the processor's own settings; .env.example shows it first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StackVariable:
    """One variable of .env: the value the example shows, and what it means, as one or two lines."""

    name: str
    value: str
    meaning: str


FILL_IN = (
    StackVariable("IB_USERNAME", "", "Your IBKR user name, best a second one that may trade and nothing else"),
    StackVariable(
        "IB_PASSWORD", "", "Leave the two passwords empty: `make secrets` asks for them and keeps them in files"
    ),
    StackVariable("VNC_PASSWORD", "", "For the gateway's window in the browser; 8 characters or more"),
    StackVariable("TRADING_MODE", "paper", "paper or live; nothing else has to be changed for it"),
    StackVariable(
        "ACCOUNTS_FILE", "", "Your accounts.yaml; without it only paper accounts trade, with cautious limits"
    ),
    StackVariable(
        "NOTIFY_URLS", "", "Where you are told: ntfys://ntfy.sh/your-topic and many others, separated by commas"
    ),
    StackVariable(
        "NOVNC_URL", "", "Where you open the gateway's window, if not http://localhost:6080; messages carry it"
    ),
    StackVariable(
        "TWS_COLD_RESTART", "", "The hour on Sundays at which your phone rings, such as 18:00; empty: IBKR's own"
    ),
    StackVariable("AUTO_RESTART_TIME", '"11:59 PM"', "When the gateway restarts each day, by the clock of TIME_ZONE"),
    StackVariable(
        "SESSION_POLICY", "yield", "yield: who logs in elsewhere wins, and events wait; insist: the gateway does"
    ),
)
"""What everybody looks at."""

SECRETS = (
    StackVariable("IB_PASSWORD_FILE", "", "The file that holds it, instead of IB_PASSWORD"),
    StackVariable("VNC_PASSWORD_FILE", "", "The file that holds it, instead of VNC_PASSWORD"),
    StackVariable("NOTIFY_URLS_FILE", "", "The file that holds them, instead of NOTIFY_URLS"),
    StackVariable("DEADMAN_URL_FILE", "", "The file that holds it, instead of DEADMAN_URL"),
    StackVariable("REDIS_SECRETS", "", "The folder with the passwords and access rules of Redis"),
)
"""What `make secrets` writes."""

MORE = (
    StackVariable("IB_GATEWAY_IMAGE", "ghcr.io/gnzsnz/ib-gateway:10.45.1j", "Any image that stands in for this one"),
    StackVariable("JAVA_HEAP_SIZE", "1024", "Memory for the gateway's Java, in MB; more with many market data lines"),
    StackVariable("GATEWAY_MEMORY", "2g", "Limit for its container: about twice the heap"),
    StackVariable("TWOFA_DEVICE", "", "The name of the second factor, when you have several; such as IB Key"),
    StackVariable("GATEWAY_START_SECONDS", "60", "The gateway counts as started after this long at the earliest"),
    StackVariable(
        "GATEWAY_PATIENCE_SECONDS", "300", "After this long the processor starts without it, and waits by itself"
    ),
    StackVariable("API_PORT", "4001", "Port of the API on 127.0.0.1, in either trading mode"),
    StackVariable("VNC_WEB_PORT", "6080", "Port of the gateway's window on 127.0.0.1"),
    StackVariable("REDIS_IMAGE", "redis:8-alpine", "Redis 7.0 or newer"),
    StackVariable("PROMETHEUS_IMAGE", "prom/prometheus:v3", "With docker-compose.monitoring.yml"),
    StackVariable("PROMETHEUS_PORT", "9090", "Its port on 127.0.0.1"),
    StackVariable("GRAFANA_IMAGE", "grafana/grafana:12.1.0", "With the profile grafana"),
    StackVariable("GRAFANA_PORT", "3000", "Its port on 127.0.0.1"),
    StackVariable("REBALANCER_VERSION", "latest", "Tag of the images that are built here"),
)
"""What hardly anybody changes."""

FIXED = frozenset({"IB_HOST", "IB_PORT", "GATEWAY_HOST", "GATEWAY_PORT", "REDIS_URL", "REDIS_PASSWORD", "STATUS_HOST"})
"""Settings of the processor that the stack gives itself; .env has no say in them."""


def stack_variables() -> tuple[StackVariable, ...]:
    """All of them, in the order of .env.example."""
    return (*FILL_IN, *SECRETS, *MORE)
