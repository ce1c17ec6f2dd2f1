from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from pathlib import Path

import pytest

from gateway_simulator import scenario
from gateway_simulator.stand_in.image import with_accounts_of
from gateway_simulator.stand_in.settings import (
    Automation,
    Practice,
    SettingsError,
    filled,
    read_automation,
    read_ini,
    secret,
)

TEMPLATE = (Path(scenario.__file__).parent / "stand_in" / "config.ini.tmpl").read_text(encoding="utf-8")
HOOKED = ("CommandServerPort=0", "ControlFrom=", "BindAddress=", "IbPassword=${TWS_PASSWORD}")


def automation(environ: Mapping[str, str], template: str = TEMPLATE) -> Automation:
    return read_automation(read_ini(filled(template, environ)), "America/New_York", 180.0)


def test_a_secret_comes_from_its_file(tmp_path: Path) -> None:
    """Without the line end that editors add."""
    file = tmp_path / "password"
    file.write_text("practice\n")
    assert secret({"TWS_PASSWORD_FILE": str(file)}, "TWS_PASSWORD") == "practice"
    assert secret({"TWS_PASSWORD": "plain", "TWS_PASSWORD_FILE": ""}, "TWS_PASSWORD") == "plain"
    assert secret({}, "TWS_PASSWORD") == ""


def test_a_secret_in_two_places_is_refused() -> None:
    """In the image's own words."""
    both = {"TWS_PASSWORD": "a", "TWS_PASSWORD_FILE": "b"}
    with pytest.raises(SettingsError, match=r"error: both TWS_PASSWORD and TWS_PASSWORD_FILE are set \(but are excl"):
        secret(both, "TWS_PASSWORD")


def test_a_missing_secret_file_is_refused(tmp_path: Path) -> None:
    """And named."""
    with pytest.raises(SettingsError, match="nowhere"):
        secret({"TWS_PASSWORD_FILE": str(tmp_path / "nowhere")}, "TWS_PASSWORD")


@pytest.mark.parametrize("line", HOOKED)
def test_the_template_has_the_lines_that_hooks_look_for(line: str) -> None:
    """Spelled as in the real image."""
    assert line in TEMPLATE.splitlines()


def test_the_template_is_filled_from_the_environment() -> None:
    """Everything the stand-in heeds, by the real names."""
    found = automation(
        {
            "TWS_USERID": "u",
            "TWS_PASSWORD": "p=1#2",
            "TRADING_MODE": "live",
            "RELOGIN_AFTER_TWOFA_TIMEOUT": "yes",
            "TWOFA_EXIT_INTERVAL": "90",
            "EXISTING_SESSION_DETECTED_ACTION": "primary",
            "AUTO_RESTART_TIME": "11:59 PM",
            "TWS_COLD_RESTART": "07:05",
            "READ_ONLY_API": "yes",
        }
    )
    rules = found.rules
    assert (rules.user, rules.password, rules.live, rules.relogin) == ("u", "p=1#2", True, True)
    assert (rules.exit_interval, rules.existing_action, rules.second_factor) == (90.0, "primary", 180.0)
    assert (found.calendar.auto_restart, found.calendar.cold_restart) == (time(23, 59), time(7, 5))
    assert (found.read_only, found.command_port) == (True, 0)


def test_a_hook_can_open_the_command_server() -> None:
    """By editing the template before it is filled."""
    edited = TEMPLATE.replace("CommandServerPort=0", "CommandServerPort=7462")
    edited = edited.replace("BindAddress=", "BindAddress=127.0.0.1").replace("ControlFrom=", "ControlFrom=10.0.0.9")
    found = automation({}, edited)
    assert (found.command_port, found.bind_address, found.control_from) == (7462, "127.0.0.1", frozenset({"10.0.0.9"}))


@pytest.mark.parametrize("wrong", [{"AUTO_RESTART_TIME": "late"}, {"TWOFA_EXIT_INTERVAL": "long"}])
def test_what_cannot_be_read_fails_the_start(wrong: dict[str, str]) -> None:
    """Not silently ignored."""
    with pytest.raises(SettingsError, match=r"late|long"):
        automation(wrong)


def test_practice_has_defaults_and_says_what_is_wrong() -> None:
    """Practice / practice, three minutes; empty counts as not set; no phone with 0 seconds."""
    found = Practice.of({"SIMULATOR_SCENARIO": ""})
    assert (found.credentials.user, found.credentials.password) == ("practice", "practice")
    assert (found.second_factor_seconds, found.scenario, found.control_port) == (180.0, "plain", 4999)
    assert not Practice.of({"SIMULATOR_TWOFA_SECONDS": "0"}).credentials.second_factor
    with pytest.raises(SettingsError, match="soon"):
        Practice.of({"SIMULATOR_TWOFA_SECONDS": "soon"})


@pytest.mark.parametrize(("mode", "number"), [("paper", "DU1234567"), ("live", "U1234567")])
def test_accounts_follow_the_trading_mode(mode: str, number: str) -> None:
    """DU… on paper, U… live, whatever the scenario says."""
    for name in ("plain", "live-account"):
        assert with_accounts_of(mode, scenario.load(name)).accounts[0].number.rstrip("0123456789") == number[:-7]
    assert with_accounts_of(mode, scenario.load("plain")).accounts[0].number == number
