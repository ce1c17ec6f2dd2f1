"""The `rebalancer` command: one file per group of commands, put together here in the order of `--help`."""

from __future__ import annotations

import typer

from event_processor import __version__
from event_processor.entrypoints.cli.control import pause, resume
from event_processor.entrypoints.cli.demo import demo
from event_processor.entrypoints.cli.drill import drill
from event_processor.entrypoints.cli.events import events, orders
from event_processor.entrypoints.cli.exits import EPILOG
from event_processor.entrypoints.cli.mfa import mfa
from event_processor.entrypoints.cli.notify import notify
from event_processor.entrypoints.cli.publish import plan, publish
from event_processor.entrypoints.cli.reconcile import reconcile
from event_processor.entrypoints.cli.run import run
from event_processor.entrypoints.cli.schema import schema
from event_processor.entrypoints.cli.status import status

app = typer.Typer(
    name="rebalancer",
    help=f"Turns rebalance events into exactly the right orders at Interactive Brokers, once. Version {__version__}.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (run, demo, publish, plan, status, mfa):
    app.command(epilog=EPILOG)(command)
app.add_typer(events, name="events", epilog=EPILOG)
for command in (orders, reconcile, pause, resume, notify, drill, schema):
    app.command(epilog=EPILOG)(command)


def main() -> None:
    """The entry point of the `rebalancer` command."""
    app(prog_name="rebalancer")
