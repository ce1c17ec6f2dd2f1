"""`python -m healthcheck gateway|processor|redis|stack`: one JSON line; the exit code is the answer.

Exit codes: 0 ready, 1 not ready (the line says why and what to do), 2 called wrongly.
`python -m healthcheck wait gateway` is the start-up gate: a line at each change, and 0 also when it gave up.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Thread
from urllib.parse import urljoin

from healthcheck.gate import Limits, wait_for_gateway
from healthcheck.probes import Finding, probe_gateway, probe_http, probe_redis
from healthcheck.report import Report
from healthcheck.verdict import judge_gateway, judge_life, judge_processor, judge_redis, judge_stack

SECONDS = 0.2
START_SECONDS, PATIENCE_SECONDS = "60", "300"


def parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """The command line; the environment gives the defaults, where an empty variable counts as not set."""
    given = {name: value for name, value in environ.items() if value.strip()}
    found = argparse.ArgumentParser(
        prog="healthcheck",
        description="Is it up, and if not, why and what to do. Prints one line of JSON.",
        epilog="Exit codes: 0 ready (`wait`: or waited long enough), 1 not ready, 2 called wrongly. "
        "The password of Redis comes from REDIS_PASSWORD or REDIS_PASSWORD_FILE.",
    )
    found.add_argument("wait", nargs="?", choices=["wait"], help="look each second until the gateway is ready")
    found.add_argument("target", choices=sorted(TARGETS))
    found.add_argument("--gateway-host", default=given.get("GATEWAY_HOST", given.get("IB_HOST", "127.0.0.1")))
    found.add_argument("--gateway-port", type=int, default=given.get("GATEWAY_PORT", given.get("IB_PORT", "4001")))
    found.add_argument("--redis-url", default=given.get("REDIS_URL", "redis://127.0.0.1:6379/0"))
    found.add_argument("--processor-url", default=f"http://127.0.0.1:{given.get('STATUS_PORT', '8080')}/readyz")
    found.add_argument("--live", action="store_true", help="processor: ask /livez, whether it runs, and no more")
    found.add_argument("--seconds", type=float, default=SECONDS, help="limit for each probe (default: %(default)s)")
    found.add_argument("--start-seconds", type=float, default=given.get("GATEWAY_START_SECONDS", START_SECONDS))
    found.add_argument(
        "--patience-seconds", type=float, default=given.get("GATEWAY_PATIENCE_SECONDS", PATIENCE_SECONDS)
    )
    found.set_defaults(password_file=given.get("REDIS_PASSWORD_FILE", ""))
    found.set_defaults(password=given.get("REDIS_PASSWORD", ""))
    return found


def look_at_gateway(options: argparse.Namespace) -> Finding:
    """One handshake."""
    return probe_gateway(options.gateway_host, options.gateway_port, options.seconds)


def check_gateway(options: argparse.Namespace) -> Report:
    """The gateway, by handshake."""
    return judge_gateway(look_at_gateway(options))


def check_redis(options: argparse.Namespace) -> Report:
    """Redis, by PING."""
    password = options.password
    if options.password_file:
        password = Path(options.password_file).read_text(encoding="utf-8").strip()
    return judge_redis(probe_redis(options.redis_url, options.seconds, password))


def check_processor(options: argparse.Namespace) -> Report:
    """The event processor, by its own word."""
    if options.live:
        return judge_life(probe_http(urljoin(options.processor_url, "/livez"), options.seconds))
    return judge_processor(probe_http(options.processor_url, options.seconds))


def check_stack(options: argparse.Namespace) -> Report:
    """All three, looked at together. (Plain threads: importing a pool of them takes longer than a probe.)"""
    found: dict[str, Report] = {}

    def look_at(part: str) -> None:
        found[part] = TARGETS[part](options)

    apart = [Thread(target=look_at, args=[part]) for part in ("gateway", "processor")]
    for look in apart:
        look.start()
    look_at("redis")
    for look in apart:
        look.join()
    return judge_stack(found["redis"], found["gateway"], found["processor"])


TARGETS: dict[str, Callable[[argparse.Namespace], Report]] = {
    "gateway": check_gateway,
    "redis": check_redis,
    "processor": check_processor,
    "stack": check_stack,
}


def hold_back(options: argparse.Namespace) -> int:
    """The start-up gate. Always 0, for the processor is to start in the end; 1 when it is told to stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    limits = Limits(options.start_seconds, options.patience_seconds)
    wait_for_gateway(lambda: look_at_gateway(options), tell, limits)
    return 0


def tell(report: Report) -> None:
    """Print it now, for whoever follows the log."""
    sys.stdout.write(report.line() + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one check and print its report, or hold back until the gateway is ready."""
    words = parser(os.environ if environ is None else environ)
    options = words.parse_args(arguments)
    if options.live and options.target != "processor":
        words.error("--live is a question to the processor")
    if options.wait:
        if options.target != "gateway":
            words.error("only the gateway is waited for")
        return hold_back(options)
    try:
        report = TARGETS[options.target](options)
    except OSError as error:
        words.error(f"REDIS_PASSWORD_FILE cannot be read: {error}")
    tell(report)
    return 0 if report.ready else 1


if __name__ == "__main__":
    sys.exit(main())
