"""`rebalancer demo`: the whole stack on this machine, one rebalance, and a verdict."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Self

import typer
from rich.live import Live

from event_processor.entrypoints.cli.exits import Exit
from event_processor.entrypoints.cli.running import carry_out
from event_processor.entrypoints.cli.screen import note, out, say
from event_processor.entrypoints.demo.picture import picture, weights
from event_processor.entrypoints.demo.scene import Scene, news
from event_processor.entrypoints.demo.show import perform
from event_processor.entrypoints.demo.stack import Stack, running_stack
from event_processor.entrypoints.demo.verdict import Finding, judge
from event_processor.errors import ProcessorError

DEFAULT = "demo"
SECONDS = 45.0


def demo(
    *,
    scenario: Annotated[str, typer.Option(help="Scenario of the gateway simulator, by name or file")] = DEFAULT,
    seconds: Annotated[float, typer.Option(help="How long to watch at most", min=5)] = SECONDS,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of a live picture")] = False,
) -> None:
    """Watch one rebalance from event to fills, on a simulated gateway; needs no account and no Redis.

    Exits 0 only if the simulator's ledger proves it right: every order placed once, one final state, and
    weights within one share of target (or the end that the scenario asks for).
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    async def work() -> Exit:
        note(f"scenario {scenario}: starting Redis, the gateway simulator and the event processor")
        with running_stack(scenario) as stack, _logs_on_failure(stack):
            stage: Lines | Picture = Lines() if plain or not out.is_terminal else Picture(f"demo: {scenario}")
            with stage:
                scene = await perform(stack, seconds, stage)
            if isinstance(stage, Lines) and scene.record is not None and scene.record.plan is not None:
                out.print(weights(scene.record, scene.record.plan))
            findings = judge(scene, must_complete=scenario == DEFAULT)
            for finding in findings:
                _tell(finding)
            if all(finding.ok for finding in findings):
                return Exit.OK
            _tell_logs(stack)
            return Exit.FAILED

    carry_out(work)


class Lines:
    """Each piece of news as a line."""

    def __init__(self) -> None:
        self._before = Scene()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, scene: Scene) -> None:
        """Print what is new."""
        for line in news(self._before, scene):
            say(f"{scene.seconds:5.1f} s  {line}")
        self._before = scene


class Picture:
    """A picture that is drawn anew with each scene; the last one stays."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._before = Scene()
        self._said: list[str] = []
        self._live = Live(console=out, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, scene: Scene) -> None:
        """Draw it."""
        self._said += [f"{scene.seconds:5.1f} s  {line}" for line in news(self._before, scene)]
        self._before = scene
        self._live.update(picture(scene, self._title, self._said), refresh=True)


@contextmanager
def _logs_on_failure(stack: Stack) -> Iterator[None]:
    try:
        yield
    except ProcessorError:
        _tell_logs(stack)
        raise


def _tell(finding: Finding) -> None:
    out.print("[green]ok[/]  " if finding.ok else "[bold red]no[/]  ", end="")
    say(finding.text)


def _tell_logs(stack: Stack) -> None:
    for child in stack.children:
        note(f"-- last lines of {child.name}\n{child.tail()}")
