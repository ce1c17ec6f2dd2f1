"""Real receivers on loopback: a web server and a mail server that listen, and both also hanging or failing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session


class WebReceiver:
    """Answers every request with `status`, after `hang` is off; keeps what it was sent."""

    def __init__(self) -> None:
        self.status = 200
        self.hang = False
        self.port = 0
        self.paths: list[str] = []
        self.posted: list[dict[str, Any]] = []
        self.heard = asyncio.Event()

    @property
    def url(self) -> str:
        """As apprise writes it, with a secret in its path."""
        return f"json://bob:opensesame@127.0.0.1:{self.port}/hook-a1b2c3d4"

    @property
    def titles(self) -> list[str]:
        return [body["title"] for body in self.posted if body]

    async def answer(self, request: web.Request) -> web.Response:
        self.paths.append(request.path)
        body = await request.json() if request.can_read_body else {}
        self.heard.set()
        if self.hang:
            await asyncio.Event().wait()
        if self.status < 400:
            self.posted.append(body)
        return web.Response(status=self.status)


@asynccontextmanager
async def web_receiver() -> AsyncIterator[WebReceiver]:
    """A web server for the length of a test."""
    receiver = WebReceiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.port = runner.addresses[0][1]
        yield receiver
    finally:
        await runner.cleanup()


class MailReceiver:
    """Keeps every mail, or refuses it with `reply`."""

    def __init__(self) -> None:
        self.reply = "250 OK"
        self.port = 0
        self.mails: list[EmailMessage] = []

    @property
    def url(self) -> str:
        """As apprise writes it."""
        return f"mailto://127.0.0.1:{self.port}?from=rebalancer@example.org&to=anna@example.org"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.reply.startswith("250") and isinstance(envelope.content, bytes):
            self.mails.append(message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default))
        return self.reply


@asynccontextmanager
async def mail_receiver() -> AsyncIterator[MailReceiver]:
    """A mail server for the length of a test."""
    receiver = MailReceiver()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(receiver, hostname="mail.example.org", loop=loop), "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def silent_port() -> AsyncIterator[int]:
    """A port that accepts connections and never says a word."""
    writers: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for writer in writers:
            writer.close()
        server.close()
        await server.wait_closed()


def refusing_port() -> int:
    """A port nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
