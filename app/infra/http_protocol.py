"""HTTP/1.1 on a socket, with bounds for what uvicorn waits for and gathers without any: the head of a request."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX: Final = 32 * 1024
HEADERS_MAX: Final = 100
HEAD_TIMEOUT_S: Final = 10.0
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n"
    b"x-content-type-options: nosniff\r\n\r\n"
)


class BoundedHttp(HttpToolsProtocol):
    """Gives up a connection whose head is too long, or does not come to its end in HEAD_TIMEOUT_S.

    Between requests the keep-alive time-out counts; for a body the application counts.
    """

    _head_bytes = 0
    _trailers = 0
    _is_in_head = True
    _head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to count the time to the first head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends."""
        self._end_wait()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feeds the parser as long as the head keeps its size."""
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX + self._body_bytes(data):
                self._refuse_head()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begins to count the time and the bytes of a head."""
        super().on_message_begin()
        self._is_in_head = True
        if self._head_deadline is None:
            self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header as long as there are not too many.

        What comes behind a body in pieces is none, and is dropped: nobody on the way to us has looked at it.
        """
        if not self._is_in_head:
            self._trailers += 1
            if self._trailers > HEADERS_MAX:
                raise ValueError("too many trailers")
            return
        if len(self.headers) >= HEADERS_MAX:
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head has come to its end."""
        self._is_in_head = False
        self._head_bytes = 0
        self._trailers = 0
        self._end_wait()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hands the connection on."""
        self._end_wait()
        super().handle_websocket_upgrade()

    def _body_bytes(self, data: bytes) -> int:
        # A small request may come in one piece with its body: of that piece only the head counts.
        end = data.find(b"\r\n\r\n")
        return len(data) - end if end >= 0 else 0

    def _await_head(self) -> None:
        self._head_deadline = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def _end_wait(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _give_up(self) -> None:
        self._head_deadline = None
        if not self.transport.is_closing():
            self.transport.close()

    def _refuse_head(self) -> None:
        self._end_wait()
        if not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()


HTTP: Final[Any] = BoundedHttp
"""The class for uvicorn's settings, whose type does not know subclasses."""
