from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from event_processor.bootstrap import gateway_hours
from event_processor.domain.weekly import NEW_YORK, DailyWindow, GatewayHours, ResetWindows
from event_processor.errors import ConfigurationError
from event_processor.settings import Settings, environment_for


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Settings.load(environ)
    return str(caught.value)


def test_nothing_set_gives_the_safe_defaults() -> None:
    """An empty environment is paper trading on loopback."""
    settings = Settings.load({})
    assert settings.trading_mode == "paper"
    assert (settings.ib_host, settings.ib_port) == ("127.0.0.1", 4001)
    assert settings.allow_delayed_quotes is False
    assert settings.status_host == "127.0.0.1"


def test_variables_are_read_and_converted() -> None:
    """Each variable is the field's name in capitals; words are read without regard to case."""
    settings = Settings.load({"IB_PORT": "4002", "LOG_LEVEL": "DEBUG", "TRADING_MODE": "Live", "HOME": "/root"})
    assert (settings.ib_port, settings.log_level, settings.trading_mode) == (4002, "debug", "live")


def test_an_empty_variable_counts_as_not_set() -> None:
    """`NAME=` in an env file leaves the default."""
    assert Settings.load({"IB_PORT": "", "RESTART_WINDOW": " "}) == Settings.load({})


def test_all_mistakes_are_told_together() -> None:
    """One message names every wrong setting, its value, the rule and the way out."""
    told = refusal({"IB_PORT": "abc", "IB_CLIENT_ID": "0", "LOG_LEVEL": "loud", "REDIS_PASSWORD_FILE": "/nope"})
    assert told.startswith("4 settings are wrong:")
    assert "IB_PORT is 'abc': must be a valid integer. Leave it out to get 4001." in told
    assert "IB_CLIENT_ID is '0': must be greater than or equal to 1" in told
    assert "LOG_LEVEL is 'loud': must be 'debug', 'info', 'warning' or 'error'" in told
    assert "REDIS_PASSWORD_FILE is '/nope': the file cannot be read" in told


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("IB_CLINT_ID", "Did you mean IB_CLIENT_ID?"),
        ("REDIS_HOST", "Remove it"),
        ("ORDER_TIMOUT_SECONDS", "Did you mean ORDER_TIMEOUT_SECONDS?"),
        ("REDIS_PASWORD_FILE", "Did you mean REDIS_PASSWORD_FILE?"),
    ],
)
def test_a_name_that_looks_like_ours_and_is_not_is_a_mistake(name: str, hint: str) -> None:
    """A misspelt setting stops the start instead of being ignored."""
    told = refusal({name: "x"})
    assert f"{name}: there is no such setting" in told
    assert hint in told


def test_the_login_of_the_gateways_container_is_not_ours_to_refuse() -> None:
    """The names the gateway's image reads may stand in the same env file."""
    environ = {"IB_USERNAME": "me", "IB_PASSWORD_FILE": "/run/secrets/x", "PATH": "/bin"}
    assert Settings.load(environ) == Settings.load({})


def test_a_secret_comes_from_its_file(tmp_path: Path) -> None:
    """`X_FILE` gives the secret, without the line end an editor adds."""
    secret = tmp_path / "password"
    secret.write_text("p@ss/word\n")
    settings = Settings.load({"REDIS_URL": "redis://user@db:6380/2", "REDIS_PASSWORD_FILE": str(secret)})
    assert settings.redis_shown == "redis://db:6380/2"
    assert settings.secrets() == ("p@ss/word",)


def test_a_secret_given_twice_is_a_mistake(tmp_path: Path) -> None:
    """Neither of two values may win silently."""
    secret = tmp_path / "password"
    secret.write_text("one")
    told = refusal({"REDIS_PASSWORD": "two", "REDIS_PASSWORD_FILE": str(secret)})
    assert "REDIS_PASSWORD and REDIS_PASSWORD_FILE are both set" in told
    assert "REDIS_PASSWORD must" not in told
    assert "must stay unset" in refusal({"REDIS_URL": "redis://:a@h/0", "REDIS_PASSWORD": "b"})


def test_an_empty_secret_file_is_a_mistake(tmp_path: Path) -> None:
    """A file that was never filled does not mean "no password"."""
    secret = tmp_path / "password"
    secret.write_text("\n")
    assert "the file is empty" in refusal({"REDIS_PASSWORD_FILE": str(secret)})


@pytest.mark.parametrize("url", ["http://:hunter2@h/0", "redis://:hunter2@h:x/0", "redis://:hunter2@[h/0"])
def test_secrets_are_shown_nowhere(url: str) -> None:
    """Neither the settings' own text nor a refusal repeats a password."""
    assert "hunter2" not in refusal({"REDIS_URL": url})
    settings = Settings.load({"REDIS_URL": "redis://:hunter2@h/0"})
    assert "hunter2" not in f"{settings!r}{settings.model_dump()}{settings.redis_shown}"


def test_delayed_quotes_are_for_paper_only() -> None:
    """Real money is never planned on old prices by a setting."""
    assert "ALLOW_DELAYED_QUOTES" in refusal({"ALLOW_DELAYED_QUOTES": "yes", "TRADING_MODE": "live"})
    assert Settings.load({"ALLOW_DELAYED_QUOTES": "yes"}).allow_delayed_quotes


def test_the_pace_cannot_be_set_above_what_the_broker_allows() -> None:
    """50 messages in a second is the broker's limit."""
    assert "less than or equal to 50" in refusal({"IB_MESSAGES_PER_SECOND": "51"})


def test_the_restart_window_is_read_with_its_zone() -> None:
    """Start, end and zone, as the schedule wants them; shown as it is written."""
    window = Settings.load({"RESTART_WINDOW": "23:45-0:45 America/New_York"}).restart_window
    assert window == DailyWindow(time(23, 45), time(0, 45), ZoneInfo("America/New_York"))
    assert str(window) == "23:45-00:45 America/New_York"


@pytest.mark.parametrize("text", ["23:45", "23:45-23:45 UTC", "25:00-01:00 UTC", "01:00-02:00 Mars/Base"])
def test_a_wrong_restart_window_is_refused(text: str) -> None:
    """Hours, order and zone are all checked."""
    assert "RESTART_WINDOW" in refusal({"RESTART_WINDOW": text})


def test_the_gateways_hours_are_read_as_the_gateway_is_told_them() -> None:
    """The names and forms of the gateway's own variables, in its own time zone."""
    given = {
        "AUTO_RESTART_TIME": "11:59 PM",
        "TWS_COLD_RESTART": "09:30",
        "TIME_ZONE": "Europe/Berlin",
        "RESTART_LEAD_SECONDS": "60",
        "RESET_WINDOWS": "europe",
    }
    assert gateway_hours(Settings.load(given)) == GatewayHours(
        zone=ZoneInfo("Europe/Berlin"),
        restart=time(23, 59),
        cold_restart=time(9, 30),
        resets=ResetWindows.parse("europe"),
        lead=timedelta(seconds=60),
    )
    unset = dict.fromkeys(given, "")
    assert gateway_hours(Settings.load(unset)) == GatewayHours(zone=NEW_YORK, resets=ResetWindows.parse("america"))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("AUTO_RESTART_TIME", "noon", "11:59 PM or 23:59"),
        ("TWS_COLD_RESTART", "Sunday 7", "11:59 PM or 23:59"),
        ("TIME_ZONE", "Berlin", "IANA"),
        ("RESTART_LEAD_SECONDS", "-1", "greater than or equal to 0"),
        ("RESET_WINDOWS", "europe, asia", "23:45-00:45 America/New_York"),
    ],
)
def test_wrong_hours_of_the_gateway_are_refused(name: str, text: str, words: str) -> None:
    """With the name, what was given and the form that is understood."""
    told = refusal({name: text})
    assert f"{name} is {text!r}" in told
    assert words in told


def test_an_accounts_file_must_exist(tmp_path: Path) -> None:
    """A wrong path must not quietly mean "no accounts file"."""
    assert "ACCOUNTS_FILE" in refusal({"ACCOUNTS_FILE": str(tmp_path / "no.yaml")})


def test_a_child_process_gets_only_the_settings_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's processor does not inherit the settings of this shell."""
    monkeypatch.setenv("TRADING_MODE", "live")
    monkeypatch.setenv("REDIS_PASSWORD_FILE", "/secret")
    monkeypatch.setenv("UNRELATED", "kept")
    environ = environment_for({"IB_PORT": "4002"})
    assert (environ.get("TRADING_MODE"), environ["IB_PORT"], environ["UNRELATED"]) == (None, "4002", "kept")
    assert "REDIS_PASSWORD_FILE" not in environ
