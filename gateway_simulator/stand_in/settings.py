"""What the image is told: the environment with its secret files, and IBC's config.ini.

Names, defaults and refusals are those of gnzsnz/ib-gateway; `SIMULATOR_…` are our own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .broker import Credentials
from .calendar import Calendar, read_time
from .words import Rules

PORTS = {"live": (4001, 4003), "paper": (4002, 4004)}
"""Trading mode -> the gateway's own port on loopback, and the relay's for everybody."""
VARIABLE = re.compile(r"\$\{?(\w+)\}?")
DEFAULTS = {
    "TRADING_MODE": "live",
    "TWOFA_TIMEOUT_ACTION": "exit",
    "TWOFA_EXIT_INTERVAL": "60",
    "READ_ONLY_API": "",
    "TIME_ZONE": "Etc/UTC",
}
"""What the image fills in, as its README has it."""


class SettingsError(Exception):
    """The start fails; the text says why."""


def secret(environ: Mapping[str, str], name: str) -> str:
    """The variable, or what is in the file that NAME_FILE names; both set is an error, as in the image."""
    value, file = environ.get(name, ""), environ.get(f"{name}_FILE", "")
    if value and file:
        raise SettingsError(f"error: both {name} and {name}_FILE are set (but are exclusive)")
    if not file:
        return value
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise SettingsError(f"error: {name}_FILE: {error}") from error


def filled(template: str, environ: Mapping[str, str]) -> str:
    """The template with ${NAME} replaced, as envsubst does: what is not set becomes nothing."""
    return VARIABLE.sub(lambda found: environ.get(found[1], ""), template)


def read_ini(text: str) -> dict[str, str]:
    """IBC's config.ini: NAME=value lines, # for comments."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


@dataclass(frozen=True, slots=True)
class Automation:
    """What config.ini says, as far as the stand-in heeds it."""

    rules: Rules
    calendar: Calendar
    command_port: int
    control_from: frozenset[str]
    bind_address: str
    read_only: bool


def read_automation(ini: Mapping[str, str], time_zone: str, second_factor_seconds: float) -> Automation:
    """Raises SettingsError for what IBC could not use either."""

    def get(name: str) -> str:
        return ini.get(name, "")

    try:
        return Automation(
            rules=Rules(
                user=get("IbLoginId"),
                password=get("IbPassword"),
                live=get("TradingMode") == "live",
                relogin=is_yes(get("ReloginAfterSecondFactorAuthenticationTimeout")),
                existing_action=get("ExistingSessionDetectedAction"),
                exit_interval=float(get("SecondFactorAuthenticationExitInterval") or 60),
                second_factor=second_factor_seconds,
                zone=ZoneInfo(time_zone),
            ),
            calendar=Calendar(
                ZoneInfo(time_zone), read_time(get("AutoRestartTime")), read_time(get("ColdRestartTime"))
            ),
            command_port=int(get("CommandServerPort") or 0),
            control_from=frozenset(filter(None, get("ControlFrom").split(","))),
            bind_address=get("BindAddress"),
            read_only=is_yes(get("ReadOnlyApi")),
        )
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise SettingsError(f"error: {error}") from error


def is_yes(text: str) -> bool:
    """As IBC reads a switch."""
    return text.lower() in {"yes", "true"}


@dataclass(frozen=True, slots=True)
class Practice:
    """Our own variables: what the pretend broker takes for right, and how it behaves."""

    credentials: Credentials
    second_factor_seconds: float
    scenario: str
    control_port: int
    stranded_seconds: float
    restart_seconds: float
    """How long the RESTART command takes; 0: until the next full minute, as with IBC."""
    seed: int

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Practice:
        """Raises SettingsError."""

        def get(name: str, default: str) -> str:
            return environ.get(f"SIMULATOR_{name}", "") or default

        try:
            seconds = float(get("TWOFA_SECONDS", "180"))
            return cls(
                credentials=Credentials(get("USERNAME", "practice"), get("PASSWORD", "practice"), seconds > 0),
                second_factor_seconds=seconds,
                scenario=get("SCENARIO", "plain"),
                control_port=int(get("CONTROL_PORT", "4999")),
                stranded_seconds=float(get("STRANDED_SECONDS", "0")),
                restart_seconds=float(get("RESTART_SECONDS", "0")),
                seed=int(get("SEED", "1")),
            )
        except ValueError as error:
            raise SettingsError(f"error: a SIMULATOR_ variable: {error}") from error
