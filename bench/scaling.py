"""How cost grows: with the calls in flight, and with replicas behind nginx."""

from __future__ import annotations

import resource
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench.phases import DELAY_MILLISECONDS, tell
from bench.processes import BenchError, Process
from bench.report import Column, machine, table
from bench.samples import Samples, interleaved
from bench.servers import OURS, Server, open_http, servers
from bench.sessions import MODERN, Session
from bench.streamable import HttpSession, free_port, wait_until_listening
from bench.upstream import Upstream

ROUNDS = 3
IN_FLIGHT = {1: 40, 10: 200, 100: 1000, 1000: 2000}
"""Calls in flight, and calls in all."""

HELD = {
    "an idle connection": ("streamable-http", "GET /healthz"),
    "an SSE session": ("sse", "GET /sse"),
}
"""What a client may hold without making a call: the transport, and the request that opens it."""

MANY = 400

REPLICAS = (1, 2, 3, 4)
IN_FLIGHT_AT_REPLICAS = 100
CALLS_AT_REPLICAS = 1500

ACCOUNTS = (1_000, 100_000, 10_000_000)
ACCOUNTS_TO_ONE_IN_USE = 100
CALLS_OF_ONE_IN_USE = 10
API_LIMIT = 60
SHARE_BUSY = 0.7

NGINX = """\
daemon off; pid nginx.pid; error_log stderr warn; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  upstream replicas {{ {replicas} keepalive 256; }}
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location / {{
      proxy_pass http://replicas; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $http_host;
    }}
  }}
}}
"""


class Scaling:
    """Measures this server alone, the API over TLS and answering after 50 ms."""

    def __init__(self, api: Upstream, logs: Path) -> None:
        self._api = api
        self._logs = logs
        self._server: Server = servers()[0]
        self.samples = Samples()
        # A connection for each call in flight, at both ends.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def run(self) -> None:
        """Measure what the tables show."""
        self._api.delay(DELAY_MILLISECONDS)
        with ExitStack() as stack:
            stdio = self._server.start_stdio(self._api.tls, self._logs)
            stack.callback(stdio.process.stop)
            stdio.open()
            process, port = self._server.start_http(self._api.tls, self._logs)
            stack.callback(process.stop)
            sessions = {"stdio": stdio, "http": open_http(process, port, MODERN)}
            for _, (in_flight, total) in interleaved(list(IN_FLIGHT.items()), ROUNDS):
                for transport, session in sessions.items():
                    tell(f"{transport}, {in_flight} in flight")
                    self._measure(session, [session.process], transport, f"{in_flight:,} in flight", total, in_flight)
        for held, (transport, request) in HELD.items():
            tell(f"{MANY} times {held}")
            self._measure_memory(held, transport, request)
        if shutil.which("nginx"):
            for _, count in interleaved(REPLICAS, ROUNDS):
                tell(f"{count} replicas")
                self._measure_replicas(count)

    def _measure(
        self, session: Session, processes: list[Process], kind: str, row: str, total: int, in_flight: int
    ) -> None:
        if (row, kind) in self.samples.failures:
            return
        before = sum(process.cpu_seconds() for process in processes)
        try:
            load = session.load(total, in_flight)
        except BenchError as error:
            self.samples.drop(row, kind, error)
            return
        cpu = sum(process.cpu_seconds() for process in processes) - before
        self.samples.add_load(kind, row, load, cpu)

    def _measure_memory(self, held: str, transport: str, request: str) -> None:
        """Resident memory before and after many clients that only hold something open."""
        server = replace(self._server, http_arguments=("--transport", transport, "--port", "{port}"))
        process, port = server.start_http(self._api.tls, self._logs)
        with ExitStack() as stack:
            stack.callback(process.stop)

            def open_one() -> None:
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
                client.sendall(f"{request} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                client.recv(4096)

            # What is made once is not theirs.
            for _ in range(50):
                open_one()
            before = process.rss_megabytes()
            for _ in range(MANY):
                open_one()
            self.samples.add("held.before", held, before)
            self.samples.add("held.each", held, (process.rss_megabytes() - before) / MANY)

    def _measure_replicas(self, count: int) -> None:
        port = free_port()
        allowed = {"WEMASY_ALLOWED_HOSTS": f"127.0.0.1:{port}"}
        with ExitStack() as stack:
            replicas = []
            lines = ""
            for _ in range(count):
                process, replica_port = self._server.start_http(self._api.tls, self._logs, allowed)
                stack.callback(process.stop)
                replicas.append(process)
                lines += f"server 127.0.0.1:{replica_port}; "
            configuration = self._logs / "nginx.conf"
            configuration.write_text(NGINX.format(replicas=lines, port=port))
            command = ["nginx", "-p", str(self._logs), "-c", str(configuration)]
            nginx = Process(command, {}, self._logs / "nginx.log", output_is_read=False)
            stack.callback(nginx.stop)
            wait_until_listening(nginx, port)
            session = HttpSession(nginx, port, MODERN)
            session.open()
            session.load(200, 20)
            row = f"{count} behind nginx"
            self._measure(session, replicas, "replicas", row, CALLS_AT_REPLICAS, IN_FLIGHT_AT_REPLICAS)


def report(samples: Samples) -> str:
    """Return the tables."""
    return "\n".join(_report(samples)) + "\n"


def _report(samples: Samples) -> Iterator[str]:
    yield "".join(machine())
    yield f"\n`{OURS}` alone, set up by default; the API over TLS, answering after {DELAY_MILLISECONDS} ms."
    yield f"Medians of {ROUNDS} rounds.\n"
    rows = [f"{in_flight:,} in flight" for in_flight in IN_FLIGHT]
    titles = {"stdio": "stdio", "http": "HTTP"}
    columns = [column for kind, title in titles.items() for column in _columns(kind, f"{title}: ")]
    yield from table(samples, rows, columns)
    yield f"\nReplicas on this one machine, {IN_FLIGHT_AT_REPLICAS} calls in flight; their CPU, without nginx's:\n"
    yield from table(samples, [f"{count} behind nginx" for count in REPLICAS], _columns("replicas", ""))
    yield f"\nMemory that a client holds without making a call, measured on {MANY} of them:\n"
    yield from table(
        samples, list(HELD), [Column("process before, MB", "held.before", 1), Column("each, KB", "held.each", 1024)]
    )
    yield from _deployments(samples)
    for (row, kind), reason in samples.failures.items():
        yield f"\nNot measured: {row}, {kind}: {reason}"


def _deployments(samples: Samples) -> Iterator[str]:
    """Say how many cores serve how many accounts, by the CPU of a call with many in flight over HTTP."""
    cpu = samples.median("http.cpu", f"{IN_FLIGHT_AT_REPLICAS} in flight")
    if cpu is None:
        return
    yield (
        f"\nCores for a deployment over streamable HTTP, {SHARE_BUSY:.0%} busy at {cpu * 1000:.2f} ms of CPU a call. "
        "Assumed, and to be replaced by one's own: in a busy minute one account in "
        f"{ACCOUNTS_TO_ONE_IN_USE} is used, and makes {CALLS_OF_ONE_IN_USE} calls. At most, every account makes the "
        f"{API_LIMIT} calls a minute that the API allows to a token.\n"
    )
    yield "| accounts | assumed, calls/s | cores for it | at most, calls/s | cores for that |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    for accounts in ACCOUNTS:
        assumed = accounts / ACCOUNTS_TO_ONE_IN_USE * CALLS_OF_ONE_IN_USE / 60
        most = accounts * API_LIMIT / 60
        cells = (f"{rate:,.1f} | {rate * cpu / SHARE_BUSY:,.2f}" for rate in (assumed, most))
        yield f"| {accounts:,} | " + " | ".join(cells) + " |"


def _columns(kind: str, title: str) -> list[Column]:
    return [
        Column(f"{title}CPU a call, ms", f"{kind}.cpu", digits=2),
        Column(f"{title}calls/s", f"{kind}.rate", 1, 0),
        Column(f"{title}p50, ms", f"{kind}.p50"),
        Column(f"{title}p99, ms", f"{kind}.p99"),
    ]
