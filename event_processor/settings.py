"""All settings, from environment variables and secret files; nothing else reads the environment.

    settings = Settings.load()

A setting's variable is its name in capitals. A secret may be given as `X` or in a file named by
`X_FILE`. All mistakes are reported together as one `ConfigurationError`, each with the way out.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from event_processor.domain.topics import Topic
from event_processor.domain.weekly import ResetWindows
from event_processor.errors import ConfigurationError
from event_processor.settings_notify import PingSetting, TopicsSetting, UrlsSetting, secrets_in, split_urls
from event_processor.settings_sources import FILE_SUFFIX, Problem, read_environ, unknown_names
from event_processor.settings_values import (
    ClockSetting,
    ResetsSetting,
    WindowSetting,
    ZoneSetting,
    check_redis_url,
    redis_url_without_password,
)

MASK = "**********"


class Settings(BaseSettings):
    """Everything that can be set; the defaults are the safe choice. Times in seconds."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=True)

    ib_host: str = Field("127.0.0.1", min_length=1, description="Host of IB Gateway or TWS")
    ib_port: int = Field(4001, ge=1, le=65535, description="API port of the gateway")
    gateway_host: str = Field("", description="The gateway itself when `IB_HOST` is a relay, to see whether it is up")
    gateway_port: int = Field(4004, ge=1, le=65535, description="Its port, with `GATEWAY_HOST`")
    session_policy: Literal["yield", "insist"] = Field(
        "yield", description="Whether a gateway at `GATEWAY_HOST` makes way when its user logs in elsewhere"
    )
    ib_client_id: int = Field(
        17,
        ge=1,
        le=2**31 - 1,
        description="API client id: fixed, and used by this processor alone; a second fence against two "
        "processors trading at once",
    )
    ib_messages_per_second: int = Field(
        45, ge=1, le=50, description="Most messages to the gateway in any one second; IBKR allows 50"
    )
    ib_connect_timeout_seconds: float = Field(4, gt=0, le=120, description="Limit for one try to connect")
    ib_request_timeout_seconds: float = Field(10, gt=0, le=300, description="Limit for one look-up at the broker")
    ib_market_data_lines: int = Field(
        100, ge=1, description="Most quotes subscribed at once: IBKR's 100, less what TWS uses at the same time"
    )

    redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="Redis; may hold user name and password. A cluster: `redis+cluster://host:6379,host:6379`; the "
        "primary of some Sentinels: `redis+sentinel://host:26379,host:26379/name`; `rediss` for TLS",
    )
    redis_password: SecretStr | None = Field(None, description="Password of Redis, when it is not in `REDIS_URL`")

    trading_mode: Literal["paper", "live"] = Field(
        "paper", description="`paper` refuses live accounts, `live` refuses paper accounts"
    )
    accounts_file: Path | None = Field(
        None,
        description="Accounts with policy, and whether they are armed; without it only paper accounts trade",
    )
    allow_delayed_quotes: bool = Field(
        default=False, description="Plan on delayed quotes; only with `TRADING_MODE=paper`"
    )
    quote_age_seconds_max: Decimal = Field(Decimal(30), gt=0, le=3600, description="Oldest price a plan is made on")
    order_timeout_seconds: float = Field(
        120, gt=0, le=86_400, description="How long orders may work before the account's policy ends them"
    )
    event_ttl_seconds: float = Field(
        86_400, gt=0, le=30 * 86_400, description="How long an event without `expires_at` may wait"
    )
    acknowledge_timeout_seconds: float = Field(
        10,
        gt=0,
        le=300,
        description="How long a sent order may stay without any report before it is in doubt",
    )
    visibility_delay_seconds: float = Field(
        5,
        ge=0,
        le=300,
        description="How long after sending an order its absence at the broker proves nothing",
    )
    settle_seconds: float = Field(
        5,
        gt=0,
        le=300,
        description="How long to wait for executions and positions to agree once orders are done",
    )

    auto_restart_time: ClockSetting | None = Field(
        None, description="When the gateway restarts each day, as it was told: `11:59 PM` or `23:59`"
    )
    tws_cold_restart: ClockSetting | None = Field(
        None, description="The hour on Sundays chosen for the login: the phone rings then. Without it 01:00 in New York"
    )
    time_zone: ZoneSetting = Field(ZoneInfo("America/New_York"), description="The gateway's: both are by its clock")
    restart_lead_seconds: float = Field(
        300, ge=0, le=3600, description="How long before a restart nothing new is sent; 0: send on"
    )
    restart_window: WindowSetting | None = Field(
        None,
        description="When a lost connection is the daily restart's, such as `23:45-00:45 America/New_York`; without it "
        "the ten minutes from `AUTO_RESTART_TIME` on",
    )
    reset_windows: ResetsSetting = Field(
        ResetWindows.parse("america"),
        description="When IBKR resets its servers: `america`, `europe`, `asia`, or windows with commas between them",
    )
    login_prompts_max: int = Field(12, ge=1, description="How many prompts of a login are told in any twelve hours")
    login_overdue_hours: float = Field(
        4, gt=0, le=72, description="A missing login is urgent when the market opens in less"
    )

    consumer_name: str = Field(
        default_factory=socket.gethostname,
        min_length=1,
        max_length=200,
        description="Name of this processor in the consumer group and on leases; must survive its restarts",
    )
    lease_seconds: float = Field(
        15,
        ge=1,
        le=600,
        description="After how long a silent processor's accounts and entries pass to another",
    )
    delivery_limit: int = Field(
        20, ge=1, le=10_000, description="Hand-outs without progress after which an entry is dead-lettered"
    )

    status_host: str = Field("127.0.0.1", min_length=1, description="Where /livez, /readyz and /metrics listen")
    status_port: int = Field(8080, ge=0, le=65535, description="Their port; 0 turns them off")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least level that is logged"
    )
    log_format: Literal["json", "console"] = Field("json", description="`json` for machines, `console` for people")

    notify_urls: UrlsSetting | None = Field(
        None,
        description="Who is told: [URLs](../how-to/notifications.md) with spaces, commas or line ends between them",
    )
    notify_topics: TopicsSetting | None = Field(
        None,
        description=f"About what: some of {', '.join(f'`{topic}`' for topic in Topic)}; all without it",
    )
    quiet_hours: WindowSetting | None = Field(
        None,
        description="When only what is urgent is told, such as `22:00-07:00 Europe/Berlin`; the rest comes after them",
    )
    deadman_url: PingSetting | None = Field(
        None, description="Address of a dead-man switch, fetched again and again while all is well"
    )
    deadman_seconds: float = Field(60, ge=5, le=86_400, description="How often it is fetched")
    novnc_url: str = Field(
        "http://localhost:6080",
        min_length=1,
        description="Where the gateway's window is, for people: the link in messages",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands over: it knows which names are wrong, which the library's sources ignore."""
        return (init_settings,)

    @field_validator("log_level", "log_format", "trading_mode", "session_policy", mode="before")
    @classmethod
    def _lower(cls, given: object) -> object:
        return given.strip().lower() if isinstance(given, str) else given

    @field_validator("redis_url")
    @classmethod
    def _redis_url(cls, given: SecretStr) -> SecretStr:
        check_redis_url(given.get_secret_value())
        return given

    @field_validator("accounts_file")
    @classmethod
    def _readable(cls, given: Path | None) -> Path | None:
        if given is not None and not (given.is_file() and os.access(given, os.R_OK)):
            raise ValueError("must name a file that this user can read")
        return given

    @model_validator(mode="after")
    def _delayed_only_on_paper(self) -> Self:
        if self.allow_delayed_quotes and self.trading_mode != "paper":
            raise ValueError("ALLOW_DELAYED_QUOTES must stay false with TRADING_MODE=live")
        return self

    @model_validator(mode="after")
    def _one_redis_password(self) -> Self:
        if self.redis_password is not None and urlsplit(self.redis_url.get_secret_value()).password:
            raise ValueError("REDIS_PASSWORD must stay unset when REDIS_URL holds a password")
        return self

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment (or the mapping given); raises `ConfigurationError` with every mistake."""
        environ = os.environ if environ is None else environ
        names = variable_names()
        secrets = secret_names()
        values, problems = read_environ(environ, names, secrets)
        problems += unknown_names(environ, names, secrets)
        settings: Settings | None = None
        try:
            settings = cls.model_validate({name.lower(): value for name, value in values.items()})
        except ValidationError as error:
            problems += [_problem(found, secrets) for found in error.errors(include_url=False)]
        if settings is None or problems:
            raise ConfigurationError(_words(problems))
        return settings

    @property
    def redis_shown(self) -> str:
        """The URL as it may be shown."""
        return redis_url_without_password(self.redis_url.get_secret_value())

    @property
    def notify_targets(self) -> tuple[str, ...]:
        """The URL of each receiver of notifications."""
        return split_urls(self.notify_urls.get_secret_value()) if self.notify_urls else ()

    def secrets(self) -> tuple[str, ...]:
        """Every secret text, so that the log can refuse to print it."""
        in_url = urlsplit(self.redis_url.get_secret_value()).password
        password = self.redis_password.get_secret_value() if self.redis_password else None
        urls = [*self.notify_targets, *([self.deadman_url.get_secret_value()] if self.deadman_url else [])]
        told = (secret for url in urls for secret in secrets_in(url))
        return tuple(secret for secret in (in_url, password, *told) if secret)


def variable_names() -> tuple[str, ...]:
    """The variable of each setting, in the order of the model."""
    return tuple(name.upper() for name in Settings.model_fields)


def secret_names() -> tuple[str, ...]:
    """The variables that hold secrets, and may come from a file instead."""
    fields = Settings.model_fields.items()
    return tuple(name.upper() for name, field in fields if "SecretStr" in str(field.annotation))


def environment_for(values: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child process: ours without any setting, plus `values`."""
    ours = {*variable_names(), *(name + FILE_SUFFIX for name in secret_names())}
    return {name: value for name, value in os.environ.items() if name not in ours} | dict(values)


def _problem(found: ErrorDetails, secrets: tuple[str, ...]) -> Problem:
    rule = found["msg"].removeprefix("Value error, ").replace("Input should be", "must be").split(", unable to")[0]
    if not found["loc"]:
        name, rule = rule.split(" ", 1)
        return Problem(name, rule, "Change one of the two.")
    name = str(found["loc"][0]).upper()
    default = Settings.model_fields[name.lower()].get_default()
    fix = f"Leave it out to get {default}." if default not in (None, "") else "Correct it, or leave it out."
    if name in secrets:
        return Problem(name, rule, "Correct it, or leave it out.", MASK)
    return Problem(name, rule, fix, str(found["input"]))


def _words(problems: list[Problem]) -> str:
    count = "One setting is" if len(problems) == 1 else f"{len(problems)} settings are"
    return "\n".join([f"{count} wrong:", *(f"  - {problem}" for problem in problems)])
