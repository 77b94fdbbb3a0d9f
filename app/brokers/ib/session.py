"""A session with a gateway: connecting, the reason when that fails, waiting for an answer's end, ending."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.brokers.errors import (
    BrokerAccountUnknownError,
    BrokerClientIdTakenError,
    BrokerDisconnectedError,
    BrokerTimedOutError,
    BrokerUnreachableError,
)
from app.brokers.ib.library import Client, Library, Unreadable
from app.brokers.ib.pacing import Pacer, Priority
from app.brokers.port import SessionOpened

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAddress:
    """Where an account is reached: a gateway, our fixed client id there, and the account's number at the broker.

    An adviser's session hears of all that is dealt for its accounts, too.
    """

    host: str
    port: int
    client_id: int
    account: str
    is_adviser: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryTimeouts:
    """How long the broker may take to answer, and a request to wait for its pace, in seconds."""

    details_s: float = 8.0
    rule_s: float = 3.0
    history_s: float = 25.0
    snapshot_s: float = 3.0
    pace_wait_s: float = 4.0
    paced_again_s: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long each step may take, in seconds."""

    connect_s: float = 10.0
    part_s: float = 15.0
    probe_s: float = 5.0
    what_if_s: float = 1.8
    inquiries: InquiryTimeouts = field(default_factory=InquiryTimeouts)


class IbSession:
    """One connection of one client id, from its handshake to its end. Not used again afterwards."""

    def __init__(
        self, *, library: Library, address: GatewayAddress, callbacks: Unreadable, pacer: Pacer, timeouts: Timeouts
    ) -> None:
        self.address = address
        self._client: Client = library.client(callbacks)
        self._pacer = pacer
        self._timeouts = timeouts
        self._answers: dict[str, asyncio.Future[None]] = {}
        self._refusal: asyncio.Future[str] | None = None
        self._next_order_id: int | None = None
        self._is_over = False

    @property
    def is_open(self) -> bool:
        """True from the end of the handshake to the end of the session."""
        return not self._is_over and self._client.isReady()

    async def open(self) -> SessionOpened:
        """Connect, and wait until both the accounts and the next order id are known.

        Raises BrokerUnreachableError, BrokerClientIdTakenError, BrokerTimedOutError, BrokerAccountUnknownError.
        """
        address = self.address
        self._refusal = asyncio.get_running_loop().create_future()
        self._client.apiError += self._failed
        connecting = asyncio.ensure_future(
            self._client.connectAsync(address.host, address.port, address.client_id, self._timeouts.connect_s)
        )
        try:
            first: set[asyncio.Future[Any]] = {connecting, self._refusal}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            # The library tells its own failures twice, as an event and as an exception: the exception says more.
            if not connecting.done():
                raise self._refused(self._refusal.result())
            await connecting
        except TimeoutError as error:
            raise BrokerTimedOutError(f"{self._place()} did not finish the handshake") from error
        except OSError as error:
            raise BrokerUnreachableError(f"{self._place()} does not answer: {error}") from error
        finally:
            self._refusal = None
            if not connecting.done():
                connecting.cancel()
            with contextlib.suppress(BaseException):
                await connecting
            if not self.is_open:
                self.close()
        accounts = tuple(self._client.getAccounts())
        if address.account not in accounts:
            self.close()
            raise BrokerAccountUnknownError(f"{self._place()} does not manage account {address.account}")
        assert self._next_order_id is not None
        return SessionOpened(
            next_order_id=self._next_order_id, accounts=accounts, server_version=self._client.serverVersion()
        )

    def submit(
        self, priority: Priority, write: Callable[[Client], None], *, group: object = None, key: object = None
    ) -> None:
        """Write to the socket as soon as the gateway's pace allows.

        Raises BrokerDisconnectedError when the session is over.
        """
        if not self.is_open:
            raise BrokerDisconnectedError(f"the session with {self._place()} is over")
        self._pacer.submit(priority, lambda: self._write(write), owner=self, group=group, key=key)

    def withdraw(self, key: object) -> None:
        """Do not write what waits under the key."""
        self._pacer.forget(self, key=key)

    async def ask(
        self, part: str, write: Callable[[Client], None], *, priority: Priority = Priority.SYNC, timeout_s: float
    ) -> None:
        """Write a request and wait for the end of its answer, which `answered` tells under the same name.

        A request that still waits for the pace when the time is over is never written.

        Raises BrokerTimedOutError, BrokerDisconnectedError.
        """
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers[part] = answer
        try:
            self.submit(priority, write, key=("ask", part))
            async with asyncio.timeout(timeout_s):
                await answer
        except TimeoutError as error:
            raise BrokerTimedOutError(f"{self._place()} did not finish its answer: {part}") from error
        finally:
            self._answers.pop(part, None)
            self._pacer.forget(self, key=("ask", part))

    def answered(self, part: str) -> None:
        """The answer of that name ended."""
        answer = self._answers.get(part)
        if answer is not None and not answer.done():
            answer.set_result(None)

    def next_order_id(self, number: int) -> None:
        """The gateway told its next order id."""
        self._next_order_id = number

    def client_id_taken(self, detail: str) -> None:
        """The gateway refused our client id."""
        if self._refusal is not None and not self._refusal.done():
            self._refusal.set_result(f"{_TAKEN}{detail}")

    def ended(self) -> None:
        """The socket is gone: whoever waits for an answer learns it, and what was not written is dropped."""
        if self._is_over:
            return
        self._is_over = True
        dropped = self._pacer.forget(self)
        if dropped:
            log.warning("%s: the session ended with %d messages not written", self._place(), dropped)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(BrokerDisconnectedError(f"the session with {self._place()} ended"))

    def close(self) -> None:
        """End the session at once."""
        self.ended()
        transport = self._client.conn.transport
        self._client.disconnect()
        # A peer that does not read would keep a closing socket for ever.
        if transport is not None:
            transport.abort()

    def _write(self, write: Callable[[Client], None]) -> None:
        if self.is_open:
            write(self._client)

    def _failed(self, detail: str) -> None:
        if self._refusal is not None and not self._refusal.done():
            self._refusal.set_result(detail)

    def _refused(self, detail: str) -> BrokerClientIdTakenError | BrokerUnreachableError:
        if detail.startswith(_TAKEN):
            return BrokerClientIdTakenError(
                f"{self._place()} has another session with client id {self.address.client_id}: "
                f"{detail.removeprefix(_TAKEN)}"
            )
        return BrokerUnreachableError(f"{self._place()}: {detail}")

    def _place(self) -> str:
        return f"{self.address.host}:{self.address.port}"


_TAKEN = "326 "
