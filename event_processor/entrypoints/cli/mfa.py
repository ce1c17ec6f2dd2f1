"""`rebalancer mfa`: waits for the login with the person who approves it, and shows how far it is."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.redis.views import RedisViews
from event_processor.domain.session import SessionState
from event_processor.entrypoints.cli.exits import Exit
from event_processor.entrypoints.cli.running import carry_out, connected
from event_processor.entrypoints.cli.screen import STYLES, age, moment, out, say

WAIT_SECONDS = 900.0
_LOOK_SECONDS = 0.5
_SILENT = "no_news"
State = dict[str, Any]


def mfa(
    *,
    timeout: Annotated[float, typer.Option(help="How many seconds to wait", min=1)] = WAIT_SECONDS,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON at each change")] = False,
) -> None:
    """Wait until the gateway is logged in, and show what it waits for: approve on your phone meanwhile."""

    async def work() -> Exit:
        with ExitStack() as ends:
            show = _Screen(ends, as_json=as_json)
            try:
                async with asyncio.timeout(timeout), connected() as link:
                    while True:
                        states = [_state(document) for document in await RedisViews(link).statuses()]
                        show(states or [dict.fromkeys(_FIELDS) | {"state": _SILENT, "advice": _NO_NEWS, "prompts": 0}])
                        if states and all(state["state"] == SessionState.READY for state in states):
                            return Exit.OK
                        await asyncio.sleep(_LOOK_SECONDS)
            except TimeoutError:
                return Exit.TIMEOUT

    carry_out(work)


_FIELDS = ("processor", "state", "advice", "waiting_since", "prompts", "deadline", "next_restart", "gateway_window")
_NO_NEWS = "The processor is not running, or has just started."


def _state(document: Mapping[str, Any]) -> State:
    """What a processor says of its login."""
    session, login = document["session"], document["login"]
    told = {"processor": document["consumer"], "gateway_window": document["gateway_window"], **login}
    return {name: {**told, "state": session["state"], "advice": session["advice"]}[name] for name in _FIELDS}


class _Screen:
    """Live on a terminal; elsewhere a line at each change, as JSON or in words."""

    def __init__(self, ends: ExitStack, *, as_json: bool) -> None:
        self._as_json = as_json
        self._shown: dict[object, State] = {}
        live = sys.stdout.isatty() and not as_json
        self._live = ends.enter_context(Live(console=out, auto_refresh=False)) if live else None

    def __call__(self, states: Sequence[State]) -> None:
        now = SystemClock().now()
        if self._live is not None:
            self._live.update(tables(states, now), refresh=True)
            return
        for state in states:
            if self._shown.get(state["processor"]) == state:
                continue
            self._shown[state["processor"]] = state
            if self._as_json:
                sys.stdout.write(json.dumps({"at": now.isoformat(), **state}, ensure_ascii=False) + "\n")
                sys.stdout.flush()
            else:
                say("; ".join([f"{now:%H:%M:%S}  {state['state']}", *_words(state, now).values()]))


def _words(state: State, now: datetime) -> dict[str, str]:
    """What there is to say of it, by its title."""
    since, deadline, restart = (moment(state[name]) for name in ("waiting_since", "deadline", "next_restart"))
    said = {"": state["advice"]}
    if since is not None:
        said["waiting"] = f"for {age(since, now)}, since {_local(since)}"
        said["prompts"] = f"about {state['prompts']} so far (one every three minutes, by the clock)"
    if state["gateway_window"]:
        said["gateway window"] = state["gateway_window"]
    if deadline is not None:
        said["login lasts until"] = _local(deadline)
    if restart is not None:
        said["next restart"] = _local(restart)
    return {title: f"{title} {text}".strip() for title, text in said.items()}


def tables(states: Sequence[State], now: datetime) -> Table:
    """What a terminal shows."""
    shown = Table.grid(padding=(0, 2))
    for state in states:
        style = STYLES.get(state["state"], "yellow")
        shown.add_row(f"[bold {style}]{escape(state['state'])}[/]", escape(state["processor"] or ""))
        for title, text in _words(state, now).items():
            shown.add_row(escape(title), escape(text.removeprefix(title).strip()))
    return shown


def _local(at: datetime) -> str:
    """The moment by this machine's clock."""
    return f"{at.astimezone():%a %Y-%m-%d %H:%M %Z}"
