"""`rebalancer drill`: acceptance cards, played against the gateway simulator or a paper account."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from event_processor import __version__
from event_processor.adapters.clock import SystemClock
from event_processor.entrypoints.cli.exits import Exit
from event_processor.entrypoints.cli.running import carry_out
from event_processor.entrypoints.cli.screen import err, note, out, print_json, say, table
from event_processor.entrypoints.drill import report
from event_processor.entrypoints.drill.card import Card, Manner, Result, Verdict
from event_processor.entrypoints.drill.catalogue import BY_NUMBER, CARDS
from event_processor.entrypoints.drill.performance import SIMULATED_ACCOUNT, Drill, find_account, perform
from event_processor.entrypoints.drill.place import Place
from event_processor.errors import ConfigurationError

SIMULATOR = "simulator"
PORT_MAX = 65_535


def drill(
    *,
    listed: Annotated[
        bool, typer.Option("--list", help="List the cards with what they confirm, and play none")
    ] = False,
    card: Annotated[list[str] | None, typer.Option(help="Play this card; may be given several times")] = None,
    gateway: Annotated[str, typer.Option(help="`simulator`, or HOST:PORT of a gateway on a paper account")] = SIMULATOR,
    account: Annotated[str, typer.Option(help="The paper account, when the login has several")] = "",
    symbol: Annotated[str, typer.Option(help="What to buy one share of")] = "SPY",
    report_file: Annotated[Path | None, typer.Option("--report", help="Where to write the report (JSON)")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before placing orders")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON")] = False,
) -> None:
    """Check on the simulator or a paper account that the broker behaves as this program relies on.

    Orders are for one share and taken back again. A live account is refused, always.
    """
    logging.getLogger("ib_async").addHandler(logging.NullHandler())  # what matters of it is in the report

    async def work() -> Exit:
        cards = _chosen(card or ())
        if listed:
            _list(cards)
            return Exit.OK
        place = None if gateway == SIMULATOR else _place(gateway)
        played_on = SIMULATED_ACCOUNT if place is None else await find_account(place, account)
        if place is not None and not yes and not _agreed(played_on, symbol, cards):
            note("nothing was played")
            return Exit.FAILED
        say_to_person = note if sys.stdin.isatty() else None
        results = await _play(Drill(place, played_on, symbol, card or (), say_to_person), cards)
        about = {
            "version": __version__,
            "gateway": gateway,
            "account": played_on,
            "at": SystemClock().now().isoformat(timespec="seconds"),
        }
        written = _write(report_file, about, results)
        print_json(report.document(about, results)) if as_json else _show(results)
        note(f"report: {written}")
        failed = any(result.verdict is Verdict.FAILED for result in results)
        return Exit.FAILED if failed else Exit.OK

    carry_out(work)


def _chosen(numbers: Sequence[str]) -> list[Card]:
    unknown = [number for number in numbers if number not in BY_NUMBER]
    if unknown:
        raise ConfigurationError(
            f"no card {', '.join(unknown)} can be played by this command; it plays {', '.join(BY_NUMBER)}. "
            "The others are for people: docs/drill-cards.md"
        )
    return [BY_NUMBER[number] for number in dict.fromkeys(numbers)] or list(CARDS)


def _place(gateway: str) -> Place:
    host, _, port = gateway.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) <= PORT_MAX:
        raise ConfigurationError(f"--gateway is {gateway!r}, but must be `simulator` or HOST:PORT")
    return Place(host, int(port))


def _agreed(account: str, symbol: str, cards: Sequence[Card]) -> bool:
    asks = [one.number for one in cards if one.manner is Manner.ASKS]
    say(f"{len(cards)} cards on paper account {account}. They order one share of {symbol} and take it back.")
    if asks:
        say(f"You are needed for {', '.join(asks)}.")
    return typer.confirm("Play them?", err=True)


async def _play(chosen: Drill, cards: Sequence[Card]) -> list[Result]:
    results = []
    with err.status("playing") as spinner:
        spinner.update(f"{cards[0].number} {cards[0].title}")
        async for result in perform(chosen, cards):
            results.append(result)
            note(f"{result.card.number} {result.card.title}: {result.verdict} ({result.seconds:.1f} s)")
            if len(results) < len(cards):
                spinner.update(f"{cards[len(results)].number} {cards[len(results)].title}")
    return results


def _write(file: Path | None, about: dict[str, str], results: Sequence[Result]) -> str:
    path = file or Path(f"drill-{SystemClock().now():%Y%m%d-%H%M%S}.json")
    try:
        return " and ".join(map(str, report.write(path, about, results)))
    except OSError as error:
        raise ConfigurationError(f"the report cannot be written to {path}: {error.strerror}") from error


def _list(cards: Sequence[Card]) -> None:
    rows = ((one.number, one.title, one.confirms, one.manner) for one in cards)
    out.print(table("", ("card", "title", "it confirms that", "on a paper account"), rows))


def _show(results: Sequence[Result]) -> None:
    rows = [
        (result.card.number, result.card.title, result.verdict, f"{result.seconds:.1f} s", _seen(result))
        for result in results
    ]
    out.print(table("", ("card", "title", "result", ">took", "seen"), rows))


def _seen(result: Result) -> str:
    if result.reason:
        return result.reason
    return "; ".join(f"{check.name}: {check.seen}" for check in result.checks)
