"""Followers of the accounts' events: whatever breaks, they come back with the last sequence that they saw."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.faults.evidence import Followed
from tests.faults.stage import Stage

EVENTS = """subscription($accountId: ID!, $after: Int) {
  orderEvents(accountId: $accountId, afterSequence: $after) { sequence orderId type }
}"""
PAUSE_S = 0.2
OPEN_S_MAX = 10.0


@dataclass(slots=True, kw_only=True)
class Follower:
    """One subscriber of an account, who changes to another web process at each return."""

    stage: Stage
    account_id: UUID
    events: list[tuple[int, str, str]] = field(default_factory=list)
    connections: int = 0

    @property
    def last(self) -> int:
        """The sequence that it saw last."""
        return self.events[-1][0] if self.events else 0

    async def follow(self) -> None:
        """Follows until cancelled."""
        while True:
            try:
                await self._connected()
            except (OSError, TimeoutError, WebSocketException, _EndedError):
                await asyncio.sleep(PAUSE_S)

    def told(self) -> Followed:
        """What came."""
        return Followed(account_id=self.account_id, events=tuple(self.events), connections=self.connections)

    async def _connected(self) -> None:
        web = self.stage.webs[self.connections % len(self.stage.webs)]
        self.connections += 1
        address = web.replace("http://", "ws://")
        protocols: Any = ["graphql-transport-ws"]
        async with connect(address, subprotocols=protocols, open_timeout=OPEN_S_MAX, max_queue=None) as socket:
            greeting = {"type": "connection_init", "payload": {"authorization": f"Bearer {self.stage.api_key}"}}
            await socket.send(json.dumps(greeting))
            variables = {"accountId": str(self.account_id), "after": self.last}
            async for text in socket:
                message = json.loads(text)
                match message["type"]:
                    case "connection_ack":
                        payload = {"query": EVENTS, "variables": variables}
                        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
                    case "ping":
                        await socket.send(json.dumps({"type": "pong"}))
                    case "next" if message["payload"].get("data"):
                        event = message["payload"]["data"]["orderEvents"]
                        self.events.append((event["sequence"], event["orderId"], event["type"]))
                    case _:
                        raise _EndedError


class _EndedError(Exception):
    """The server ended the subscription."""
