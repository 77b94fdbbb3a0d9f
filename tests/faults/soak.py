"""A soak: random faults of processes, sockets and brokers for so long, then rest, and both sides' books compared."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from app.core.catalogue import CATALOGUE
from app.infra.simulator_control import SimulatorUnreachableError, ask, read_address
from app.simulator.snapshot import read_snapshot
from app.simulator.store import SavedState
from tests.faults.equality import Books, Compared, compare
from tests.faults.evidence import Evidence, Row
from tests.faults.pathologies import clear
from tests.faults.stage import Stage, StagedAccount

REACH_S_MAX = 30.0
SETTLE_S_MAX = 120.0
LOOK_S = 5.0
_PAUSE_S = 0.5
_REASON = "the broker changed the holding without an order, or has no such order"

LOGIN = """mutation($input: LoginInput!) { login(input: $input) { tokens { accessToken } errors { code } } }"""
NEW_KEY = """mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret errors { code } } }"""
FIELDS = '{ __type(name: "Mutation") { fields { name } } }'
BREAKS = """query($kinds: [ReconciliationBreakKind!]) {
  reconciliationBreaks(isOpen: true, kinds: $kinds, first: 100) { edges { node { id kind } } }
}"""
HOLDINGS = ("POSITION_QUANTITY",)
# An order that gateways denied and confirmed by turns, and that no complete look finds, is for a person to end.
MISSING_ORDERS = "ORDER_UNKNOWN_AT_BROKER"
RECONCILE = """mutation($input: ReconcileAccountInput!) {
  reconcileAccount(input: $input) { reconciliation { breaksOpen } errors { code } }
}"""
RESOLVE = """mutation($input: ResolveBreakInput!) {
  resolveBreak(input: $input) { reconciliationBreak { id } errors { code } }
}"""


@dataclass(slots=True, kw_only=True)
class Person:
    """Who settles what only a person may: holdings that the broker changed without any order, and, once everything
    is at rest, orders in doubt that the broker does not have.
    """

    stage: Stage
    http: httpx.AsyncClient
    key: str = ""
    resolved: int = 0
    declared: int = 0
    """Orders whose end is this person's word."""

    async def can_settle(self) -> bool:
        """Signs in; whether this installation keeps breaks at all."""
        demo = await self.stage.installation.demo()
        who = {"email": demo["email"], "password": demo["password"]}
        told = await self._post(LOGIN, {"input": who})
        assert told is not None, "the person cannot sign in"
        assert not told["login"]["errors"], f"the person cannot sign in: {told}"
        self.key = told["login"]["tokens"]["accessToken"]
        asked = {"name": "soak", "scopes": ["VIEW_POSITIONS", "MANAGE_BROKERS"]}
        told = await self._post(NEW_KEY, {"input": asked})
        assert told is not None, "the person gets no key"
        assert told["createApiKey"]["secret"], f"the person gets no key: {told}"
        self.key = told["createApiKey"]["secret"]
        data = await self._post(FIELDS, {})
        return data is not None and "resolveBreak" in {field["name"] for field in data["__type"]["fields"]}

    async def keep_settling(self, stop: asyncio.Event) -> None:
        """Takes the broker's word in every break of a position that is told, until stopped."""
        while not stop.is_set():
            await self._settle(HOLDINGS)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await stop.wait()

    async def settle_all(self) -> None:
        """Compares every account on demand and settles, until a comparison finds nothing or time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S_MAX):
                while not all([await self._is_even(account.id) for account in self.stage.accounts]):
                    await self._settle((*HOLDINGS, MISSING_ORDERS))
                    await asyncio.sleep(_PAUSE_S)

    async def _is_even(self, account_id: UUID) -> bool:
        data = await self._post(RECONCILE, {"input": {"accountId": str(account_id)}})
        if data is None or data["reconcileAccount"]["errors"]:
            return False
        told = await self._post(BREAKS, {"kinds": (*HOLDINGS, MISSING_ORDERS)})
        return told is not None and not told["reconciliationBreaks"]["edges"]

    async def _settle(self, kinds: Sequence[str]) -> None:
        data = await self._post(BREAKS, {"kinds": kinds})
        for edge in () if data is None else data["reconciliationBreaks"]["edges"]:
            asked = {"breakId": edge["node"]["id"], "action": "ACCEPT_BROKER", "reason": _REASON}
            done = await self._post(RESOLVE, {"input": asked})
            if done is not None and not done["resolveBreak"]["errors"]:
                self.resolved += 1
                self.declared += edge["node"]["kind"] == MISSING_ORDERS

    async def _post(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any] | None:
        headers = {"authorization": f"Bearer {self.key or self.stage.api_key}"}
        body = {"query": document, "variables": variables}
        try:
            response = await self.http.post(self.stage.webs[0], json=body, headers=headers)
            answer = response.json()
        except (httpx.HTTPError, ValueError):
            return None
        if response.status_code != 200 or answer.get("errors"):
            return None
        data: dict[str, Any] = answer["data"]
        return data


async def clear_all(stage: Stage) -> bool:
    """Ends every fault at every broker; False where one does not answer in time."""
    try:
        async with asyncio.timeout(REACH_S_MAX):
            for account in stage.accounts:
                while True:
                    try:
                        await clear(account)
                        break
                    except SimulatorUnreachableError:
                        await asyncio.sleep(_PAUSE_S)
    except TimeoutError:
        return False
    return True


async def compared(stage: Stage, evidence: Evidence) -> Compared:
    """Our books against what each simulator saves of itself now; kept in the folder of the evidence."""
    told = compare(
        Books(
            evidence=evidence,
            simulators={account.id: (account.number, await _saved(stage, account)) for account in stage.accounts},
            catalogue={entry.con_id: entry for entry in CATALOGUE},
            assigned=frozenset(stage.assigned),
            breaks=await _breaks(stage),
        )
    )
    lines = [f"{one.subject}\t{one.kind}\t{one.what}\n" for one in told.differences]
    (stage.evidence / "differences.txt").write_text("".join(lines))
    return told


async def _saved(stage: Stage, account: StagedAccount) -> SavedState:
    path = stage.evidence / f"simulator-{account.number}-{int(time.time())}.json"
    await ask(read_address(account.folder), "save", {"path": str(path)})
    return read_snapshot(path).exchange


async def _breaks(stage: Stage) -> list[Row]:
    connection: asyncpg.Connection = await stage.connect()
    try:
        if await connection.fetchval("SELECT to_regclass('reconciliation_breaks')") is None:
            return []
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        rows: list[Row] = [
            dict(row) for row in await connection.fetch("SELECT * FROM reconciliation_breaks ORDER BY id")
        ]
    finally:
        await connection.close()
    lines = (json.dumps(row, default=str) for row in rows)
    (stage.evidence / "breaks.jsonl").write_text("\n".join(lines) + "\n")
    return rows
