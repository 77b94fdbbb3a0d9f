"""The clients of a campaign: they place orders, brackets and pairs, modify, cancel, ask again, and log what came."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

import httpx

from tests.faults.stage import Stage

PLACE = """mutation($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id state clientOrderId } errors { code } }
}"""
BRACKET = """mutation($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id state clientOrderId children { id } } errors { code } }
}"""
PAIR = """mutation($input: PlaceOcoInput!) {
  placeOco(input: $input) { orders { id state clientOrderId } errors { code } }
}"""
MODIFY = """mutation($input: ModifyOrderInput!) { modifyOrder(input: $input) { order { id state } errors { code } } }"""
CANCEL = """mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { order { id state } errors { code } } }"""
BULK = """mutation($input: [PlaceOrderInput!]!) {
  placeOrders(input: $input) { results { order { id state clientOrderId } errors { code } } }
}"""
BULK_FIELDS = '{ __type(name: "Mutation") { fields { name } } }'

SYMBOLS = ("AAPL", "MSFT", "SPY", "TSLA")
HOT_SYMBOLS = SYMBOLS[:2]
TIMEOUT_S = 12.0
_UNAVAILABLE = "UNAVAILABLE"
TRIES_MAX = 6
RACERS = 100
BULK_SIZE = 25
REMEMBERED_MAX = 400
# Far from any market, on every instrument's grid: such an order rests until it is changed or cancelled.
RESTING_PRICES = {"BUY": ("5.00", "6.00", "7.00"), "SELL": ("4000.00", "4100.00", "4200.00")}
# Take profit and stop loss of what was bought or sold: both rest, the first deals at once, or the second. Never both,
# so that no two of a group deal at the same moment.
EXIT_PRICES = {
    "BUY": (("4300.00", "4.00"), ("4.50", "4.00"), ("4300.00", "3900.00")),
    "SELL": (("4.00", "4300.00"), ("3900.00", "4300.00"), ("4.00", "4.50")),
}
_CLOSING = {"BUY": "SELL", "SELL": "BUY"}
BRACKETS_SHARE, PAIRS_SHARE = 0.09, 0.04
CONNECTIONS_MAX = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An operation as a client asked for it. key names what is placed, order_id what is changed.

    terms of a pair are those of its first leg; `second` is the other leg.
    """

    op: int
    kind: str
    web: int
    at: float
    account_id: str
    key: str | None = None
    order_id: str | None = None
    terms: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of it: ok (taken), failed (refused for good), unknown (no answer, or one that says so).

    others are the orders that came with the one that was placed.
    """

    op: int
    at: float
    result: str
    order_id: str | None = None
    state: str | None = None
    codes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(slots=True)
class Journal:
    """The clients' own log, in memory and line by line on disk, written before an operation leaves."""

    file: TextIO
    asked: list[Asked] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def ask(self, **facts: Any) -> Asked:
        """Log that something is about to be asked."""
        asked = Asked(op=next(self._numbers), at=time.time(), **facts)
        self.asked.append(asked)
        self._write("asked", asked)
        return asked

    def answer(self, asked: Asked, result: str, **facts: Any) -> Answered:
        """Log what came of it."""
        answered = Answered(op=asked.op, at=time.time(), result=result, **facts)
        self.answered.append(answered)
        self._write(result, answered)
        return answered

    def _write(self, what: str, record: Asked | Answered) -> None:
        self.file.write(json.dumps({"what": what, **asdict(record)}) + "\n")
        self.file.flush()


@dataclass(slots=True, kw_only=True)
class _Known:
    account_id: str
    key: str
    terms: dict[str, Any]
    rests: bool
    order_id: str | None = None
    resting: list[str] = field(default_factory=list)
    """Those of its orders that may still rest."""


class Load:
    """Seeded clients. The seed gives what they ask; when they ask it, the machine."""

    def __init__(self, stage: Stage, journal: Journal, http: httpx.AsyncClient, seed: int, *, has_bulk: bool) -> None:
        self._stage = stage
        self._journal = journal
        self.http = http
        """The clients' connections."""
        self._seed = seed
        self._has_bulk = has_bulk
        self._keys = itertools.count(1)
        self._known: list[_Known] = []
        self.orders = 0
        """Orders that were acknowledged, each key once."""
        self._acknowledged: set[str] = set()

    async def client(self, number: int, pause_s: float, stop: asyncio.Event) -> None:
        """One client: something, a pause, and again until it is told to stop."""
        dice = random.Random(f"{self._seed}/client/{number}")
        actions = [self._place, self._again, self._modify, self._cancel]
        while not stop.is_set():
            action = dice.choices(actions, weights=(70, 8, 9, 13))[0]
            await action(dice)
            await asyncio.sleep(dice.expovariate(1 / pause_s))

    async def crowd(self, pause_s: float, stop: asyncio.Event) -> None:
        """Now and then a hundred callers with one key at once, and a bulk where the API has one."""
        dice = random.Random(f"{self._seed}/crowd")
        while not stop.is_set():
            await self._race(dice)
            if self._has_bulk:
                await self._bulk(dice)
            await asyncio.sleep(dice.expovariate(1 / pause_s))

    async def wind_down(self, share: float) -> None:
        """Cancels so much of what may still rest."""
        dice = random.Random(f"{self._seed}/end")
        for known in list(self._known):
            for order_id in list(known.resting):
                if dice.random() < share:
                    await self._cancel_one(dice, known, order_id)

    async def _place(self, dice: random.Random) -> None:
        known = self._new_order(dice)
        await self._insist(dice, known)

    async def _insist(self, dice: random.Random, known: _Known) -> None:
        # Who gets no answer mostly asks again under the same key; some give up, and their order stands or not.
        for attempt in range(TRIES_MAX):
            answered = await self._ask_place(dice, known)
            if answered.result != "unknown" or dice.random() < 0.15:
                return
            await asyncio.sleep(dice.uniform(0.05, 0.4) * (attempt + 1))

    async def _again(self, dice: random.Random) -> None:
        if not self._known:
            return
        known = dice.choice(self._known)
        if dice.random() < 0.2:
            other = {**known.terms, "quantity": str(int(known.terms["quantity"]) + 1)}
            await self._ask_place(dice, known, other)
            return
        await self._ask_place(dice, known)

    async def _modify(self, dice: random.Random) -> None:
        alone = [known for known in self._known if known.resting and "limitPrice" in known.terms]
        known = dice.choice(alone) if alone else None
        if known is None or "second" in known.terms:
            return
        asked = self._ask(dice, "modify", known, order_id=known.order_id)
        terms = {
            "quantity": str(dice.randint(1, 60)),
            "limitPrice": dice.choice(RESTING_PRICES[known.terms["side"]]),
        }
        await self._send(asked, MODIFY, {"orderId": known.order_id, **terms}, "modifyOrder")

    async def _cancel(self, dice: random.Random) -> None:
        resting = [known for known in self._known if known.resting]
        if resting:
            known = dice.choice(resting)
            await self._cancel_one(dice, known, dice.choice(known.resting))

    async def _cancel_one(self, dice: random.Random, known: _Known, order_id: str) -> None:
        asked = self._ask(dice, "cancel", known, order_id=order_id)
        answered = await self._send(asked, CANCEL, {"orderId": order_id}, "cancelOrder")
        if answered.result != "unknown" and order_id in known.resting:
            known.resting.remove(order_id)

    async def _race(self, dice: random.Random) -> None:
        known = self._new_order(dice)
        await asyncio.gather(*(self._ask_place(dice, known) for _ in range(RACERS)))

    async def _bulk(self, dice: random.Random) -> None:
        orders = [self._new_order(dice, with_pairs=False) for _ in range(BULK_SIZE)]
        web = dice.randrange(len(self._stage.webs))
        asked = [
            self._journal.ask(kind="place", web=web, account_id=known.account_id, key=known.key, terms=known.terms)
            for known in orders
        ]
        inputs = [_input(known.account_id, known.key, known.terms) for known in orders]
        data = await self._post(web, BULK, inputs)
        results = data["placeOrders"]["results"] if data is not None else [None] * len(orders)
        for known, one, result in zip(orders, asked, results, strict=True):
            self._note(known, self._take(one, result))

    def _new_order(self, dice: random.Random, *, with_pairs: bool = True) -> _Known:
        accounts = self._stage.accounts
        account = accounts[0] if dice.random() < 0.4 else dice.choice(accounts)
        side = dice.choice(("BUY", "SELL"))
        rests = dice.random() < 0.35
        terms: dict[str, Any] = {
            "symbol": dice.choice(HOT_SYMBOLS if account.is_hot else SYMBOLS),
            "side": side,
            "quantity": str(dice.randint(1, 60)),
        }
        if rests:
            terms |= {"orderType": "LIMIT", "limitPrice": dice.choice(RESTING_PRICES[side])}
            terms["timeInForce"] = dice.choice(("DAY", "GTC"))
        else:
            terms |= {"orderType": "MARKET", "timeInForce": "DAY"}
        if (chance := dice.random()) < BRACKETS_SHARE:
            rests = _with_exits(dice, terms) or rests
        elif chance < BRACKETS_SHARE + PAIRS_SHARE and with_pairs:
            rests = _as_pair(dice, terms)
        known = _Known(account_id=str(account.id), key=f"{self._seed}-{next(self._keys)}", terms=terms, rests=rests)
        self._known.append(known)
        if len(self._known) > REMEMBERED_MAX:
            self._known.pop(dice.randrange(REMEMBERED_MAX // 2))
        return known

    async def _ask_place(self, dice: random.Random, known: _Known, terms: dict[str, Any] | None = None) -> Answered:
        asked = self._ask(dice, "place", known, key=known.key, terms=terms or known.terms)
        wanted = terms or known.terms
        value, document = _input(known.account_id, known.key, wanted), PLACE
        if "second" in wanted:
            value, document = _pair_input(known.account_id, known.key, wanted), PAIR
        elif "takeProfit" in wanted:
            document = BRACKET
        answered = await self._send(asked, document, value, "placeOco" if document is PAIR else "placeOrder")
        if terms is None:
            self._note(known, answered)
        return answered

    def _note(self, known: _Known, answered: Answered) -> None:
        if answered.order_id is None:
            return
        if known.order_id is None and known.rests and answered.state != "REJECTED":
            known.resting = [answered.order_id, *answered.others]
        known.order_id = answered.order_id
        if known.key not in self._acknowledged:
            self._acknowledged.add(known.key)
            self.orders += 1

    def _ask(self, dice: random.Random, kind: str, known: _Known, **facts: Any) -> Asked:
        web = dice.randrange(len(self._stage.webs))
        return self._journal.ask(kind=kind, web=web, account_id=known.account_id, **facts)

    async def _send(self, asked: Asked, document: str, value: dict[str, Any], name: str) -> Answered:
        data = await self._post(asked.web, document, value)
        return self._take(asked, None if data is None else data[name])

    async def _post(self, web: int, document: str, value: Any) -> dict[str, Any] | None:
        body = {"query": document, "variables": {"input": value}}
        try:
            response = await self.http.post(self._stage.webs[web], json=body)
            answer = response.json()
        except (httpx.HTTPError, ValueError):
            return None
        # An error of the request as a whole says that the outcome is not known, or that nothing was done: ask again.
        if response.status_code != 200 or answer.get("errors") or not answer.get("data"):
            return None
        data: dict[str, Any] = answer["data"]
        return data

    def _take(self, asked: Asked, payload: dict[str, Any] | None) -> Answered:
        if payload is None:
            return self._journal.answer(asked, "unknown")
        codes = tuple(error["code"] for error in payload["errors"])
        order, *rest = (payload["orders"] or [None]) if "orders" in payload else [payload["order"]]
        if _UNAVAILABLE in codes:
            # A bulk tells of each order by itself that it is to be sent again.
            return self._journal.answer(asked, "unknown", codes=codes)
        result = "failed" if codes else "ok"
        if order is None:
            return self._journal.answer(asked, result, codes=codes)
        others = tuple(one["id"] for one in [*rest, *order.get("children", ())])
        return self._journal.answer(
            asked, result, order_id=order["id"], state=order["state"], codes=codes, others=others
        )


@asynccontextmanager
async def clients(stage: Stage, journal: Journal, seed: int) -> AsyncIterator[Load]:
    """The clients' connections, while the block lasts."""
    limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)
    headers = {"authorization": f"Bearer {stage.api_key}"}
    async with httpx.AsyncClient(headers=headers, timeout=TIMEOUT_S, limits=limits) as http:
        response = await http.post(stage.webs[0], json={"query": BULK_FIELDS})
        names = {field["name"] for field in response.json()["data"]["__type"]["fields"]}
        yield Load(stage, journal, http, seed, has_bulk="placeOrders" in names)


def open_journal(path: Path, file: TextIO | None = None) -> Journal:
    """A journal that is written to a file."""
    return Journal(file or path.open("w"))


def _input(account_id: str, key: str, terms: dict[str, Any]) -> dict[str, Any]:
    return {"accountId": account_id, "clientOrderId": key, **terms}


def _with_exits(dice: random.Random, terms: dict[str, Any]) -> bool:
    """Gives the order exits; True when they will rest."""
    choices = EXIT_PRICES[terms["side"]]
    # A limit order that rests lies between its exits.
    chosen = choices[0] if "limitPrice" in terms else dice.choice(choices)
    terms["takeProfit"], terms["stopLoss"] = chosen
    return chosen is choices[0]


def _as_pair(dice: random.Random, terms: dict[str, Any]) -> bool:
    """Makes of the order the first leg of a pair; True when both will rest."""
    choices = EXIT_PRICES[_CLOSING[terms["side"]]]
    limit_price, stop_price = dice.choice(choices)
    terms |= {"orderType": "LIMIT", "limitPrice": limit_price, "timeInForce": "GTC"}
    terms["second"] = {"side": terms["side"], "orderType": "STOP", "stopPrice": stop_price}
    return limit_price == choices[0][0] and stop_price == choices[0][1]


def _pair_input(account_id: str, key: str, terms: dict[str, Any]) -> dict[str, Any]:
    first = {name: terms[name] for name in ("side", "orderType", "limitPrice")}
    shared = {name: terms[name] for name in ("symbol", "quantity", "timeInForce")}
    return {"accountId": account_id, "clientOrderId": key, "legs": [first, terms["second"]], **shared}


def counted(answered: Sequence[Answered]) -> dict[str, int]:
    """How many operations came to which result."""
    counts = {"ok": 0, "failed": 0, "unknown": 0}
    for one in answered:
        counts[one.result] += 1
    return counts
