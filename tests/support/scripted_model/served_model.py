"""The server: every API on one loopback port, and a record of what was asked."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from support.scripted_model.anthropic_messages import ANTHROPIC_MESSAGES
from support.scripted_model.conversation import Conversation, NumberedTurn, Player, Result
from support.scripted_model.dialect import Dialect, encode_event
from support.scripted_model.gemini import GEMINI
from support.scripted_model.openai_chat import OPENAI_CHAT
from support.scripted_model.openai_responses import OPENAI_RESPONSES

_DIALECTS = (ANTHROPIC_MESSAGES, OPENAI_CHAT, OPENAI_RESPONSES, GEMINI)


class ServedModel(ThreadingHTTPServer):
    """Answers with the turns of a player, and keeps what it was asked."""

    def __init__(self, player: Player) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.player = player
        self.conversations: list[Conversation] = []
        """One for each request."""
        self.results: dict[str, Result] = {}
        """By call, in their order, as each was shown first: programs shorten older ones."""
        self.unknown: list[str] = []
        """What else was asked for here, which it refused: a program that takes it for its proxy asks for addresses."""
        self._keeping = threading.Lock()

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self.server_port}"

    def choose(self, conversation: Conversation) -> NumberedTurn:
        """Return the next turn, and keep what it is the answer to."""
        with self._keeping:
            self.conversations.append(conversation)
            for result in conversation.results:
                self.results.setdefault(result.call_id, result)
            return NumberedTurn(self.player(conversation), len(self.conversations), conversation.model)


@contextmanager
def serve_model(player: Player) -> Iterator[ServedModel]:
    """Serve the player's turns for the time of the block."""
    with ServedModel(player) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield served
        finally:
            served.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: ServedModel
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        for dialect in _DIALECTS:
            if path := dialect.path.search(urlsplit(self.path).path):
                self._answer(dialect, body, path)
                return
        self._refuse()

    def do_GET(self) -> None:
        self._refuse()

    def do_CONNECT(self) -> None:
        self._refuse()

    def _refuse(self) -> None:
        self.server.unknown.append(f"{self.command} {self.path}")
        self._send(404, {"error": {"type": "not_found_error", "message": "A scripted model does not have this."}})
        self.close_connection = True

    def _answer(self, dialect: Dialect, body: dict[str, Any], path: re.Match[str]) -> None:
        numbered = self.server.choose(dialect.read(body, path))
        if not dialect.wants_stream(body, path):
            self._send(200, dialect.write(numbered))
            return
        self._begin(200, "text/event-stream", ("Transfer-Encoding", "chunked"))
        for event in dialect.stream(numbered):
            piece = encode_event(event)
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self._begin(status, "application/json", ("Content-Length", str(len(body))))
        self.wfile.write(body)

    def _begin(self, status: int, media_type: str, length: tuple[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header(*length)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""
