"""`python -m healthcheck gateway|processor|redis|stack`: one JSON line; the exit code is the answer.

Exit codes: 0 ready, 1 not ready (the line says why and what to do), 2 called wrongly.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from healthcheck.probes import probe_gateway, probe_http, probe_redis
from healthcheck.report import Report
from healthcheck.verdict import judge_gateway, judge_processor, judge_redis, judge_stack

SECONDS = 0.25


def parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """The command line; the environment gives the defaults."""
    found = argparse.ArgumentParser(
        prog="healthcheck",
        description="Is it up, and if not, why and what to do. Prints one line of JSON.",
        epilog="Exit codes: 0 ready, 1 not ready, 2 called wrongly. "
        "The password of Redis comes from REDIS_PASSWORD or REDIS_PASSWORD_FILE.",
    )
    status_port = environ.get("STATUS_PORT", "8080")
    found.add_argument("target", choices=sorted(TARGETS))
    found.add_argument("--gateway-host", default=environ.get("IB_HOST", "127.0.0.1"))
    found.add_argument("--gateway-port", type=int, default=environ.get("IB_PORT", "4001"))
    found.add_argument("--redis-url", default=environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"))
    found.add_argument("--processor-url", default=f"http://127.0.0.1:{status_port}/readyz")
    found.add_argument("--seconds", type=float, default=SECONDS, help="limit for each probe (default: %(default)s)")
    found.set_defaults(password_file=environ.get("REDIS_PASSWORD_FILE", ""))
    found.set_defaults(password=environ.get("REDIS_PASSWORD", ""))
    return found


def check_gateway(options: argparse.Namespace) -> Report:
    """The gateway, by handshake."""
    return judge_gateway(probe_gateway(options.gateway_host, options.gateway_port, options.seconds))


def check_redis(options: argparse.Namespace) -> Report:
    """Redis, by PING."""
    password = options.password
    if options.password_file:
        password = Path(options.password_file).read_text(encoding="utf-8").strip()
    return judge_redis(probe_redis(options.redis_url, options.seconds, password))


def check_processor(options: argparse.Namespace) -> Report:
    """The event processor, by its own word."""
    return judge_processor(probe_http(options.processor_url, options.seconds))


def check_stack(options: argparse.Namespace) -> Report:
    """All three."""
    return judge_stack(check_redis(options), check_gateway(options), check_processor(options))


TARGETS: dict[str, Callable[[argparse.Namespace], Report]] = {
    "gateway": check_gateway,
    "redis": check_redis,
    "processor": check_processor,
    "stack": check_stack,
}


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one check and print its report."""
    words = parser(os.environ if environ is None else environ)
    options = words.parse_args(arguments)
    try:
        report = TARGETS[options.target](options)
    except OSError as error:
        words.error(f"REDIS_PASSWORD_FILE cannot be read: {error}")
    sys.stdout.write(report.line() + "\n")
    return 0 if report.ready else 1


if __name__ == "__main__":
    sys.exit(main())
