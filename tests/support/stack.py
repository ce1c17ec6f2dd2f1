"""The product as its users run it: a real Redis, the gateway simulator and the processor, each a process.

    with Stack(folder, "contention") as stack:
        stack.publish("one", {"SPY": 0.6, "TLT": 0.35})
        stack.wait_final("one")
        check_ledger(stack, {"one": "completed"})

Every wait has a limit, and blocks on what it waits for: the outcome stream, the ledger, or the processor's log.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from event_processor.entrypoints.demo.redis_server import HOST, RedisServer
from event_processor.settings import environment_for
from gateway_simulator.keeping import LEDGER
from tests.support.processes import RunningProcess

ACCOUNT = "DU1234567"
EVENTS, OUTCOMES, DEAD = "rebalancer:events", "rebalancer:outcomes", "rebalancer:dead"
NOT_FINAL = {"accepted", "deferred", "planned", "order_submitted", "order_filled"}
SECONDS_MAX = 30.0
LOOK_SECONDS = 0.05
TAIL_LINES = 12
PRODUCT = [sys.executable, "-m", "event_processor"]
QUICK = {
    "LOG_LEVEL": "info",
    "LOG_FORMAT": "json",
    "CONSUMER_NAME": "processor-1",
    "IB_CONNECT_TIMEOUT_SECONDS": "2",
    "IB_REQUEST_TIMEOUT_SECONDS": "3",
    "ORDER_TIMEOUT_SECONDS": "20",
    "ACKNOWLEDGE_TIMEOUT_SECONDS": "2",
    "VISIBILITY_DELAY_SECONDS": "1",
    "SETTLE_SECONDS": "3",
    "LEASE_SECONDS": "5",
}
"""The product's settings, with shorter waits than its defaults."""

Entry = dict[str, Any]
NOTHING: Mapping[str, float] = {}


class Stack:
    """All three processes; `scenario` is the name of a shipped one, or the text of one."""

    def __init__(
        self,
        folder: Path,
        scenario: str = "plain",
        beside: Stack | None = None,
        /,
        *,
        accounts: str = "",
        started: bool = True,
        kept: bool = False,
        **settings: str,
    ) -> None:
        """`beside` another stack: one Redis for both, which the other keeps. `kept`: the simulator may be killed."""
        self.folder, self._beside = folder, beside
        self.scenario = scenario
        if "\n" in scenario:
            self.scenario = str(folder / "scenario.toml")
            Path(self.scenario).write_text(scenario, encoding="utf-8")
        if accounts:
            (folder / "accounts.yaml").write_text(accounts, encoding="utf-8")
            settings["ACCOUNTS_FILE"] = str(folder / "accounts.yaml")
        self._settings = {**QUICK, **settings}
        self._started = started
        self._record = ["--keep", str(folder)] if kept else ["--ledger", str(folder / LEDGER)]
        self._ends = ExitStack()
        self._heard: list[Entry] = []
        self._last = "0-0"
        self._processors: list[RunningProcess] = []
        self._gateways = self._control_port = self.port = 0
        self.ledger_file = folder / LEDGER
        self.published: dict[str, Entry] = {}

    def __enter__(self) -> Self:
        with ExitStack() as ends:
            self.redis_server: RedisServer = (
                self._beside.redis_server if self._beside else ends.enter_context(self._redis())
            )
            self.redis = ends.enter_context(redis.Redis.from_url(self.redis_server.url, decode_responses=True))
            self._start_simulator(ends)
            self._settings |= {"REDIS_URL": self.redis_server.url, "IB_PORT": str(self.port)}
            self._ends = ends.pop_all()
            if self._started:
                self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        running = [process for process in self._processors if process.exit_code is None]
        with self._ends:
            for process in running:
                process.thaw()
            codes = [process.stop() for process in running if kind is None]
            assert not any(codes), f"a processor that was asked to stop ended with {codes}"

    def _redis(self) -> RedisServer:
        (self.folder / "redis").mkdir()
        return RedisServer(self.folder / "redis")

    def _start_simulator(self, ends: ExitStack, ids_back: int = 0) -> None:
        self._gateways += 1
        words = ["--scenario", self.scenario, *self._record, "--ids-back", str(ids_back)]
        words += ["--port", str(self.port), "--control-port", str(self._control_port)]
        log = self.folder / f"simulator-{self._gateways}.log"
        self.simulator = ends.enter_context(RunningProcess([sys.executable, "-m", "gateway_simulator", *words], log))
        ready = self.simulator.wait_for_json(lambda line: line.get("event") == "listening")
        self._control_port, self.port = int(ready["control_port"]), int(ready["port"])
        self._news = ends.enter_context(socket.create_connection((HOST, self._control_port)))
        self._news.sendall(b'{"action": "follow"}\n')

    def restart_simulator(self, *, ids_back: int = 0) -> None:
        """SIGKILL for the gateway, then a new one at the same place: same exchange, lower `nextValidId`."""
        self.simulator.kill()
        self._start_simulator(self._ends, ids_back)

    # -- the processor -------------------------------------------------------------------------------------

    def start(self, **settings: str) -> RunningProcess:
        """Start the processor, as `processor`; another one while one runs is an operator's mistake."""
        self._settings |= settings
        self.status_port = _free_port()
        self.processor = self._ends.enter_context(
            RunningProcess(
                [*PRODUCT, "run"],
                self.folder / f"processor-{len(self._processors) + 1}.log",
                environment={**self._settings, "STATUS_PORT": str(self.status_port)},
            )
        )
        self._processors.append(self.processor)
        return self.processor

    def restart(self, **settings: str) -> None:
        """SIGKILL, then a new process."""
        self.processor.kill()
        self.start(**settings)

    def wait_log(self, event: str, *, seconds: float = SECONDS_MAX, since: int = 0, **fields: object) -> Entry:
        """The processor's first log line of this name with these fields."""

        def wanted(line: Entry) -> bool:
            return line.get("event") == event and all(line.get(name) == value for name, value in fields.items())

        return self.processor.wait_for_json(wanted, seconds_max=seconds, since=since)

    def wait_session(self, state: str, *, seconds: float = SECONDS_MAX, since: int = 0) -> Entry:
        """Until the processor says that its broker session is in this state."""
        return self.wait_log("session.changed", seconds=seconds, since=since, after=state)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of the processor's own HTTP answer."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.status_port}{path}", timeout=5) as answer:
                return int(answer.status), str(answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def cli(self, *words: str, seconds: float = SECONDS_MAX) -> subprocess.CompletedProcess[str]:
        """Run the command line beside the processor, with its settings."""
        environment = environment_for(self._settings)
        return subprocess.run(
            [*PRODUCT, *words], env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )

    def cli_json(self, *words: str) -> Any:  # noqa: ANN401 - whatever the command says
        """What a read command prints with `--json`; it must succeed."""
        done = self.cli(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    # -- events and outcomes -------------------------------------------------------------------------------

    def publish(
        self, event_id: str, weights: Mapping[str, float] = NOTHING, *, account: str = ACCOUNT, **data: object
    ) -> str:
        """Add an event as any producer would; see `envelope`."""
        body = envelope(event_id, weights, account=account, **data)
        self.published[event_id] = body
        return self.publish_raw(json.dumps(body))

    def publish_raw(self, body: str) -> str:
        """Add this very text; the id of the entry."""
        return str(self.redis.xadd(EVENTS, {"event": body}))

    def wait_outcome(self, event_id: str, *kinds: str, seconds: float = SECONDS_MAX) -> Entry:
        """The `data` of the event's first outcome of one of these kinds."""
        deadline = time.monotonic() + seconds
        while True:
            for data in self.outcomes(event_id):
                if data["outcome"] in kinds:
                    return data
            left = deadline - time.monotonic()
            assert left > 0, self.story(f"{event_id}: none of {kinds} in {seconds} s")
            self._listen(min(left, 1.0))

    def wait_final(self, event_id: str, *, seconds: float = SECONDS_MAX) -> Entry:
        """The `data` of the event's final outcome."""
        final = {"completed", "completed_adjusted", "no_change", "partial", "failed", "rejected"}
        return self.wait_outcome(event_id, *final, "superseded", "expired", "needs_review", seconds=seconds)

    def outcomes(self, event_id: str) -> list[Entry]:
        """The `data` of all outcomes of an event heard so far."""
        found = [envelope["data"] for envelope in self._heard]
        return [data for data in found if data["event_id"] == event_id]

    def until(self, condition: Callable[[], object], what: str, *, seconds: float = SECONDS_MAX) -> None:
        """Listen to the outcome stream until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.story(f"no sign of {what} in {seconds} s")
            self._listen(LOOK_SECONDS)

    def _listen(self, seconds: float) -> None:
        reply: Any = self.redis.xread({OUTCOMES: self._last}, block=max(1, int(seconds * 1000)))
        for _, entries in reply or ():
            for entry_id, fields in entries:
                self._last = entry_id
                self._heard.append(json.loads(fields["event"]))

    # -- the simulator -------------------------------------------------------------------------------------

    def control(self, action: str, **parameters: object) -> Entry:
        """Make something happen at the gateway; what it answers."""
        with socket.create_connection((HOST, self._control_port), timeout=10) as line:
            line.sendall(json.dumps({"action": action, **parameters}).encode() + b"\n")
            with line.makefile(encoding="utf-8") as answers:
                answer: Entry = json.loads(answers.readline())
        assert answer.pop("ok"), answer
        return answer

    def ledger(self, kind: str = "", **fields: object) -> list[Entry]:
        """The ledger's entries of one kind with these fields, as far as the file is written."""
        lines = self.ledger_file.read_text(encoding="utf-8").splitlines(keepends=True)
        entries: list[Entry] = [json.loads(line) for line in lines if line.endswith("\n")]
        return [
            entry
            for entry in entries
            if (not kind or entry["kind"] == kind) and all(entry.get(name) == value for name, value in fields.items())
        ]

    def wait_ledger(self, kind: str, count: int = 1, *, seconds: float = SECONDS_MAX, **fields: object) -> list[Entry]:
        """Wait until the ledger has so many of these entries."""
        deadline = time.monotonic() + seconds
        while len(found := self.ledger(kind, **fields)) < count:
            self._news.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                self._news.recv(1 << 20)
            except TimeoutError:
                raise AssertionError(self.story(f"{len(found)} of {count} {kind} {fields} in {seconds} s")) from None
        return found

    def story(self, problem: str) -> str:
        """The problem, with what was heard and the processor's last words."""
        heard = [f"{e['data']['event_id']} {e['data']['outcome']}: {e['data'].get('reason')}" for e in self._heard]
        said = self.processor.lines[-TAIL_LINES:] if self._processors else []
        return "\n".join([problem, "outcomes:", *heard[-TAIL_LINES:], "the processor:", *said])


def envelope(event_id: str, weights: Mapping[str, float] = NOTHING, *, account: str = ACCOUNT, **data: object) -> Entry:
    """A rebalance event; what the weights lack to 1 is the cash reserve, `data` is added or replaces that."""
    whole: Entry = {"account": account, "targets": [{"symbol": name, "weight": w} for name, w in weights.items()]}
    reserve = round(1 - sum(weights.values()), 6)
    if weights and reserve:
        whole["cash"] = {"reserve": reserve}
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "/tests/scenarios",
        "type": "rebalance.requested.v1",
        "data": {**whole, **data},
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
