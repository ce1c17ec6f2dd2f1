"""`python -m gateway_simulator`: serve a scenario, or control a simulator that is running."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import socket
import sys
from pathlib import Path
from typing import TextIO

from . import control, scenario
from .clock import Clock, ManualClock, SystemClock
from .keeping import kept_simulator
from .server import Server
from .simulator import Simulator

CONTROL_SECONDS = 10.0
EXIT_FAILED = 1
EXIT_USAGE = 2


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 used wrongly."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        if given[:1] == ["control"]:
            return _control(_control_parser().parse_args(given[1:]))
        return _serve(_server_parser().parse_args(given))
    except (OSError, scenario.ScenarioError) as error:
        _complain(error)
        return EXIT_FAILED


def _server_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gateway_simulator",
        description="A stand-in IB Gateway that speaks the TWS socket protocol.",
        epilog="`gateway_simulator control --help` tells how to interfere with a running one.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=4001, help="port of the API; 0 picks a free one (%(default)s)")
    parser.add_argument("--control-port", type=int, default=0, help="port for control on loopback; 0 picks a free one")
    parser.add_argument("--scenario", default="plain", metavar="NAME|FILE", help="what happens (%(default)s)")
    parser.add_argument("--list-scenarios", action="store_true", help="list the shipped scenarios and exit")
    record = parser.add_mutually_exclusive_group()
    record.add_argument("--ledger", type=Path, metavar="FILE", help="write everything that happens here, as JSON lines")
    record.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="keep ledger and exchange in this folder, and go on from there even after a kill",
    )
    parser.add_argument(
        "--ids-back",
        type=int,
        default=0,
        metavar="COUNT",
        help="with --keep: let nextValidId begin this much lower than where it was",
    )
    parser.add_argument("--seed", type=int, default=1, help="same seed, same run (%(default)s)")
    parser.add_argument(
        "--manual-clock",
        type=float,
        metavar="EPOCH_SECONDS",
        help="start at this time and let only `control advance` move it",
    )
    return parser


def _serve(options: argparse.Namespace) -> int:
    if options.list_scenarios:
        for name in scenario.names():
            _say(f"{name:<22} {scenario.load(name).description}")
        return 0
    chosen = scenario.load(options.scenario)
    manual = options.manual_clock is not None
    clock: Clock = ManualClock(options.manual_clock) if manual else SystemClock()
    with contextlib.ExitStack() as stack:
        if options.keep:
            sim = stack.enter_context(kept_simulator(chosen, clock, options.keep, seed=options.seed))
        else:
            file = stack.enter_context(options.ledger.open("w", encoding="utf-8")) if options.ledger else None
            sim = Simulator(chosen, clock, seed=options.seed, ledger_file=file)
        sim.desk.move_ids_back(options.ids_back)
        asyncio.run(_run(sim, options))
    return 0


async def _run(sim: Simulator, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = Server(
        sim,
        host=options.host,
        port=options.port,
        control_port=options.control_port,
        manual=isinstance(sim.clock, ManualClock),
    )
    async with server:
        ready = {
            "event": "listening",
            "port": server.port,
            "control_port": server.control_port,
            "scenario": sim.scenario.name,
        }
        _say(json.dumps(ready))
        await stop.wait()


def _control_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gateway_simulator control",
        description="Interfere with a running simulator.",
        epilog=f"actions, each with its parameters as name=value:\n{control.help_text()}\n"
        "The simulator image knows more about logins: `control --port PORT help` lists what a running one knows.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, required=True, help="the control port, as printed at the start")
    parser.add_argument("action", help="one of the actions below; - and _ are the same")
    parser.add_argument("parameters", nargs="*", metavar="name=value", help="its parameters")
    return parser


def _control(options: argparse.Namespace) -> int:
    request: dict[str, object] = {"action": options.action.replace("-", "_")}
    for text in options.parameters:
        name, equals, value = text.partition("=")
        if not equals:
            _complain(f"{text!r} is not name=value")
            return EXIT_USAGE
        request[name.replace("-", "_")] = value
    with socket.create_connection(("127.0.0.1", options.port), timeout=CONTROL_SECONDS) as connection:
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile("r", encoding="utf-8") as lines:
            return _print_answers(connection, lines, follow=options.action == "follow")


def _print_answers(connection: socket.socket, lines: TextIO, *, follow: bool) -> int:
    line = lines.readline()
    if not line:
        _complain("the simulator closed the connection")
        return EXIT_FAILED
    answer = json.loads(line)
    if not answer.pop("ok"):
        _complain(answer["error"])
        return EXIT_FAILED
    for entry in answer.pop("entries", []):
        _say(json.dumps(entry))
    if "help" in answer:
        _say(answer.pop("help"))
    if answer:
        _say(json.dumps(answer, indent=2))
    if follow:
        connection.settimeout(None)
        for entry_line in lines:
            _say(json.dumps(json.loads(entry_line)["entry"]))
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _complain(problem: object) -> None:
    sys.stderr.write(f"gateway_simulator: {problem}\n")


if __name__ == "__main__":
    sys.exit(main())
