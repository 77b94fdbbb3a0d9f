"""A look at a gateway without trading through it: what it answers, and in words what is wrong with it.

It speaks the wire itself and not through the client library, because what has to be told is what the library hides.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

VERSION_MIN: Final = 157
VERSION_MAX: Final = 178
"""The server versions that the client libraries speak; a gateway answers the lower of its own and the highest asked."""

CLOCK_SKEW_S_MAX: Final = 3.0
FRAME_BYTES_MAX: Final = 1 << 20
MESSAGES_MAX: Final = 10_000

_START_API, _ALL_OPEN_ORDERS, _CURRENT_TIME = "71", "16", "49"
_ERROR, _NEXT_ID, _ACCOUNTS, _TIME, _OPEN_ORDERS_END = "4", "9", "15", "49", "53"
_TAKEN, _TOO_FAST, _INVALID = 326, 100, 321
_NOT_CONNECTED: Final = {502, 504, 1100, 1300, 2110}
_FEEDS_DOWN: Final = {2103, 2105, 2157}
_LENGTH: Final = struct.Struct(">I")


class Trouble(StrEnum):
    """What may be wrong with a gateway, or with the way to it."""

    UNKNOWN_HOST = "UNKNOWN_HOST"
    REFUSED = "REFUSED"
    UNREACHABLE = "UNREACHABLE"
    CLOSED_AT_ONCE = "CLOSED_AT_ONCE"
    SILENT = "SILENT"
    SPEAKS_TLS = "SPEAKS_TLS"
    NOT_TWS = "NOT_TWS"
    VERSION_UNSUPPORTED = "VERSION_UNSUPPORTED"
    CLIENT_ID_TAKEN = "CLIENT_ID_TAKEN"
    CLOSED_AFTER_HANDSHAKE = "CLOSED_AFTER_HANDSHAKE"
    NOT_LOGGED_IN = "NOT_LOGGED_IN"
    ACCOUNT_UNKNOWN = "ACCOUNT_UNKNOWN"
    PAPER_AND_LIVE_MIXED = "PAPER_AND_LIVE_MIXED"
    CLOCK_SKEWED = "CLOCK_SKEWED"
    NO_ANSWERS = "NO_ANSWERS"
    READ_ONLY = "READ_ONLY"
    BROKER_LOST = "BROKER_LOST"
    FEED_DOWN = "FEED_DOWN"
    TOO_FAST = "TOO_FAST"


MEANING: Final[dict[Trouble, str]] = {
    Trouble.UNKNOWN_HOST: "the name of the host is not known here: look at its spelling, and at the network",
    Trouble.REFUSED: "nothing listens there: the gateway does not run (yet), or its API has another port "
    "(4001 live, 4002 paper, behind the container image 4003 and 4004; TWS 7496 and 7497)",
    Trouble.UNREACHABLE: "no answer at all: a firewall, another network, or a machine that is off",
    Trouble.CLOSED_AT_ONCE: "it closes the connection before the handshake: our address is not among its trusted "
    "IPs, or incoming API connections are rejected (TWS_ACCEPT_INCOMING=accept)",
    Trouble.SILENT: "it accepts the connection and says nothing: it has not logged in yet (second factor?), or waits "
    "for somebody to accept the incoming connection in its window (TWS_ACCEPT_INCOMING=accept)",
    Trouble.SPEAKS_TLS: "it speaks TLS: switch SSL off for the API, or name the plain port",
    Trouble.NOT_TWS: "something other than TWS or IB Gateway listens there: look at the port",
    Trouble.VERSION_UNSUPPORTED: f"its API version is not among {VERSION_MIN} to {VERSION_MAX}: bring it up to date",
    Trouble.CLIENT_ID_TAKEN: "error 326, the client id is in use: by a connector that holds the account, or by another "
    "program; give one of them another id",
    Trouble.CLOSED_AFTER_HANDSHAKE: "it closes the connection right after the handshake: our address is not among its "
    "trusted IPs, or a person has refused the connection in its window",
    Trouble.NOT_LOGGED_IN: "the handshake succeeds and no accounts are told: its login is not complete, most often "
    "because the second factor waits to be confirmed",
    Trouble.ACCOUNT_UNKNOWN: "its login does not manage the account",
    Trouble.PAPER_AND_LIVE_MIXED: "paper and real money are mixed up",
    Trouble.CLOCK_SKEWED: "its clock and ours differ: set both by NTP",
    Trouble.NO_ANSWERS: "it does not answer questions, though its session stands: restart it",
    Trouble.READ_ONLY: "its API is read-only (error 321): orders will be refused; set READ_ONLY_API=no, or clear "
    "Read-Only API in its settings",
    Trouble.BROKER_LOST: "it has lost its own connection to Interactive Brokers: no order reaches the market",
    Trouble.FEED_DOWN: "a data farm is down: quotes or history are missing, orders still go through",
    Trouble.TOO_FAST: "error 100, it gets too many messages a second: lower OMS_IB_MESSAGES_PER_SECOND, or part the "
    "accounts over several gateways",
}
"""What each trouble means, and what to do about it."""

HARMLESS: Final = frozenset({Trouble.FEED_DOWN})
"""Orders go through all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """One thing that is wrong, with what was seen of it."""

    trouble: Trouble
    seen: str = ""

    @property
    def words(self) -> str:
        """The trouble in a sentence."""
        return f"{MEANING[self.trouble]} ({self.seen})" if self.seen else MEANING[self.trouble]


@dataclass(slots=True, kw_only=True)
class Look:
    """What a gateway showed. server_version is None where no handshake came about."""

    server_version: int | None = None
    accounts: tuple[str, ...] = ()
    round_trip_ms: float | None = None
    symptoms: list[Symptom] = field(default_factory=list)

    @property
    def is_usable(self) -> bool:
        """True when orders could go through."""
        return all(one.trouble in HARMLESS for one in self.symptoms)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTimeouts:
    """How long each step may take, in seconds."""

    connect_s: float = 3.0
    handshake_s: float = 5.0
    answer_s: float = 5.0
    linger_s: float = 0.3


async def look_at(
    host: str, port: int, client_id: int, now: Callable[[], datetime], timeouts: ProbeTimeouts | None = None
) -> Look:
    """Opens a session, asks for the time and the open orders, and leaves. Nothing is ordered, changed or canceled."""
    look, limits = Look(), timeouts or ProbeTimeouts()
    try:
        async with _connected(host, port, limits.connect_s) as (reader, writer):
            probe = _Probe(reader, writer, look, limits, now)
            await probe.run(client_id)
    except _TroubleFound as found:
        look.symptoms.append(found.symptom)
    return look


def judge_account(look: Look, account_number: str, *, is_paper: bool) -> list[Symptom]:
    """What is wrong with an account at a gateway whose accounts are known."""
    if not look.accounts:
        return []
    found = []
    if account_number not in look.accounts:
        seen = f"{account_number} is not among {', '.join(look.accounts)}"
        found.append(Symptom(trouble=Trouble.ACCOUNT_UNKNOWN, seen=seen))
    is_paper_login = look.accounts[0].startswith("D")
    if is_paper_login is not is_paper:
        kind = "a paper login" if is_paper_login else "a login with real money"
        kept = "paper" if is_paper else "real money"
        found.append(Symptom(trouble=Trouble.PAPER_AND_LIVE_MIXED, seen=f"{kind}, and the account is kept as {kept}"))
    return found


class _TroubleFound(Exception):
    def __init__(self, trouble: Trouble, seen: str = "") -> None:
        super().__init__(trouble)
        self.symptom = Symptom(trouble=trouble, seen=seen)


@asynccontextmanager
async def _connected(
    host: str, port: int, timeout_s: float
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host.strip("[]"), port)
    except TimeoutError:
        raise _TroubleFound(Trouble.UNREACHABLE, f"within {timeout_s:g} s") from None
    except socket.gaierror as error:
        raise _TroubleFound(Trouble.UNKNOWN_HOST, error.strerror or "") from None
    except ConnectionRefusedError:
        raise _TroubleFound(Trouble.REFUSED) from None
    except OSError as error:
        raise _TroubleFound(Trouble.UNREACHABLE, error.strerror or str(error)) from None
    try:
        yield reader, writer
    finally:
        transport = writer.transport
        transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


class _Probe:
    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        look: Look,
        limits: ProbeTimeouts,
        now: Callable[[], datetime],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._look = look
        self._limits = limits
        self._now = now
        self._has_id = False
        self._has_time = False
        self._has_orders = False
        self._asked_at = 0.0

    async def run(self, client_id: int) -> None:
        await self._shake_hands()
        self._send(_START_API, "2", str(client_id), "")
        try:
            await self._until(lambda: self._has_id and bool(self._look.accounts), self._limits.handshake_s)
        except TimeoutError:
            if not self._look.symptoms:
                raise _TroubleFound(Trouble.NOT_LOGGED_IN) from None
            return
        except (asyncio.IncompleteReadError, ConnectionError):
            if not self._look.symptoms:
                raise _TroubleFound(Trouble.CLOSED_AFTER_HANDSHAKE) from None
            return
        self._asked_at = asyncio.get_running_loop().time()
        self._send(_CURRENT_TIME, "1")
        self._send(_ALL_OPEN_ORDERS, "1")
        try:
            await self._until(lambda: self._has_time and self._has_orders, self._limits.answer_s)
            # The states of the farms come of themselves, most often before the answers.
            with contextlib.suppress(TimeoutError):
                await self._until(lambda: False, self._limits.linger_s)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            if not self._look.symptoms:
                raise _TroubleFound(Trouble.NO_ANSWERS) from None

    async def _shake_hands(self) -> None:
        versions = f"v{VERSION_MIN}..{VERSION_MAX}".encode()
        self._writer.write(b"API\0" + _LENGTH.pack(len(versions)) + versions)
        try:
            async with asyncio.timeout(self._limits.handshake_s):
                head = await self._reader.readexactly(_LENGTH.size)
                if head[:2] in {b"\x15\x03", b"\x16\x03"}:
                    raise _TroubleFound(Trouble.SPEAKS_TLS)
                (length,) = _LENGTH.unpack(head)
                if length > 256:
                    raise _TroubleFound(Trouble.NOT_TWS, f"it begins with {head!r}")
                fields = (await self._reader.readexactly(length)).decode(errors="replace").split("\0")
        except TimeoutError:
            raise _TroubleFound(Trouble.SILENT, f"within {self._limits.handshake_s:g} s") from None
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise _TroubleFound(Trouble.NOT_TWS, f"it says {error.partial[:16]!r} and ends") from None
            raise _TroubleFound(Trouble.CLOSED_AT_ONCE) from None
        except ConnectionError:
            raise _TroubleFound(Trouble.CLOSED_AT_ONCE) from None
        if not fields[0].isdecimal():
            raise _TroubleFound(Trouble.NOT_TWS, f"it answers {fields[0][:32]!r}")
        version = self._look.server_version = int(fields[0][:9])
        if not VERSION_MIN <= version <= VERSION_MAX:
            raise _TroubleFound(Trouble.VERSION_UNSUPPORTED, f"it is {version}")

    async def _until(self, is_enough: Callable[[], bool], timeout_s: float) -> None:
        async with asyncio.timeout(timeout_s):
            for _ in range(MESSAGES_MAX):
                if is_enough():
                    return
                (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
                if length > FRAME_BYTES_MAX:
                    raise _TroubleFound(Trouble.NOT_TWS, f"a frame of {length} bytes")
                self._hear((await self._reader.readexactly(length)).decode(errors="replace").split("\0"))

    def _hear(self, fields: Sequence[str]) -> None:
        match fields:
            case [kind, _, accounts, *_] if kind == _ACCOUNTS:
                self._look.accounts = tuple(filter(None, (one.strip() for one in accounts.split(","))))
            case [kind, _, _, *_] if kind == _NEXT_ID:
                self._has_id = True
            case [kind, _, seconds, *_] if kind == _TIME and seconds.isdecimal():
                self._hear_time(int(seconds))
            case [kind, *_] if kind == _OPEN_ORDERS_END:
                self._has_orders = True
            case [kind, _, _, code, words, *_] if kind == _ERROR and code.lstrip("-").isdecimal():
                self._hear_error(int(code), words)
            case _:
                return

    def _hear_time(self, seconds: int) -> None:
        self._has_time = True
        elapsed_s = asyncio.get_running_loop().time() - self._asked_at
        self._look.round_trip_ms = elapsed_s * 1000
        told = datetime.fromtimestamp(min(seconds, 32_503_680_000), UTC)
        # Its answer has whole seconds, and was made somewhere on the way.
        behind_s = (self._now() - told).total_seconds() - elapsed_s / 2 - 0.5
        if abs(behind_s) > CLOCK_SKEW_S_MAX:
            direction = "behind" if behind_s > 0 else "ahead of"
            self._note(Trouble.CLOCK_SKEWED, f"it is {abs(behind_s):.0f} s {direction} ours")

    def _hear_error(self, code: int, words: str) -> None:
        seen = f"{code} {words[:200]}"
        if code == _TAKEN:
            self._note(Trouble.CLIENT_ID_TAKEN, seen)
        elif code == _INVALID and "read-only" in words.lower():
            self._has_orders = True
            self._note(Trouble.READ_ONLY, seen)
        elif code == _TOO_FAST:
            self._note(Trouble.TOO_FAST, seen)
        elif code in _NOT_CONNECTED:
            self._note(Trouble.BROKER_LOST, seen)
        elif code in _FEEDS_DOWN:
            self._note(Trouble.FEED_DOWN, seen)

    def _note(self, trouble: Trouble, seen: str) -> None:
        symptom = Symptom(trouble=trouble, seen=seen)
        if symptom not in self._look.symptoms:
            self._look.symptoms.append(symptom)

    def _send(self, *fields: str) -> None:
        payload = ("\0".join(fields) + "\0").encode()
        self._writer.write(_LENGTH.pack(len(payload)) + payload)
