"""HTTP/1.1 to a server of the tests: httpx on top, and below it little enough that thousands of requests are cheap."""

import asyncio
from collections import defaultdict

import httptools
import httpx

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_READ_BYTES = 1 << 16


class _Answer:
    def __init__(self, *, is_of_head: bool) -> None:
        self._is_of_head = is_of_head
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.status = 0
        self.is_complete = False
        self.is_line_kept = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._is_of_head:
            # Its length is that of a body which does not come.
            self.status = self._parser.get_status_code()
            self.is_complete = True

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.is_line_kept = self._parser.should_keep_alive()
        self.is_complete = True


class PlainTransport(httpx.AsyncBaseTransport):
    """Keeps lines to servers without TLS; answers that never end are not for it."""

    def __init__(self) -> None:
        self._idle: defaultdict[tuple[str, int], list[Line]] = defaultdict(list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The whole answer. Raises httpx.TransportError when the server goes away, or takes too long."""
        assert request.url.port is not None
        address = request.url.host, request.url.port
        try:
            async with asyncio.timeout(request.extensions["timeout"]["read"]):
                line = await self._line(address)
                try:
                    answer = await _exchanged(line, request)
                except BaseException:
                    line[1].close()
                    raise
        except TimeoutError as error:
            raise httpx.ReadTimeout("the server takes too long", request=request) from error
        except OSError as error:
            raise httpx.NetworkError(str(error), request=request) from error
        if answer.is_line_kept:
            self._idle[address].append(line)
        else:
            line[1].close()
        return httpx.Response(answer.status, headers=answer.headers, content=b"".join(answer.body))

    async def aclose(self) -> None:
        """Hang up."""
        for lines in self._idle.values():
            for _, writer in lines:
                writer.close()
        self._idle.clear()

    async def _line(self, address: tuple[str, int]) -> Line:
        while lines := self._idle[address]:
            reader, writer = lines.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(*address)


async def _exchanged(line: Line, request: httpx.Request) -> _Answer:
    reader, writer = line
    head = b"%s %s HTTP/1.1\r\n" % (request.method.encode(), request.url.raw_path)
    fields = b"".join(b"%s: %s\r\n" % pair for pair in request.headers.raw)
    writer.write(head + fields + b"\r\n" + await request.aread())
    answer = _Answer(is_of_head=request.method == "HEAD")
    while not answer.is_complete:
        if not (data := await reader.read(_READ_BYTES)):
            raise ConnectionResetError("the server hung up")
        answer.feed(data)
    return answer
