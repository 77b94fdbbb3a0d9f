"""An adviser's blocks among the orders of a batch: what is known of the accounts that share them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from app.brokers import advisers_batch
from app.brokers.advisers_batch import Worth
from app.brokers.batch import AccountFacts, Adviser, account_facts
from app.core.allocation import Allocation, AllocationGroup, AllocationMethod
from app.core.errors import Problem
from app.core.fix import RiskLimitType, RiskOutcome
from app.core.ids import AccountId, InstrumentId, TenantId
from app.core.messages import AccountKey, Instrument, NewOrder, RiskCheck
from app.core.money import ZERO
from app.core.records import replace
from app.flows.orders.pre_trade import Asked, Market, PreTrade, also_read
from app.infra.db import BatchSession
from app.infra.uow import beyond_walls
from app.orders.domain.allocating import allocation_problem, expected_shares, group_of, percentage_problem
from app.orders.domain.placing import problem
from app.orders.errors import OrderProblem
from app.orders.repository import blocks
from app.positions import batch as positions
from app.positions.batch import PositionKey
from app.positions.domain import Position
from app.risk import batch as risk
from app.risk.domain import Exposure, Proposal

# Of the accounts that share a block the orders are not counted: a share is no order that works.
_NOT_OF_SHARES: Final = frozenset(
    {
        RiskLimitType.MAX_OPEN_ORDERS,
        RiskLimitType.MAX_ORDERS_PER_MINUTE,
        RiskLimitType.DUPLICATE_ORDER,
        RiskLimitType.COOLDOWN,
        RiskLimitType.CANCEL_RATE,
        RiskLimitType.ORDER_TO_TRADE_RATIO,
        RiskLimitType.WASH_TRADE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFacts:
    """What blocks are decided on: the positions and the worth of the advisers' accounts, and what is not divided yet.

    accounts are the advisers' own, with all accounts under them and all halts, whoever asks.
    The accounts' own books are not locked: what they trade by themselves meanwhile is not seen.
    """

    positions: Mapping[PositionKey, Position]
    undivided: Mapping[PositionKey, Decimal]
    worth: Mapping[AccountId, Worth]
    accounts: Mapping[AccountKey, AccountFacts] = field(default_factory=dict)


NO_BLOCKS: Final = BlockFacts(positions={}, undivided={}, worth={})


async def block_facts(
    session: BatchSession,
    places: Iterable[PositionKey],
    accounts: Mapping[AccountKey, AccountFacts],
    pre_trade: PreTrade,
    market: Market | None,
) -> BlockFacts:
    """The facts for blocks in these accounts and instruments; those of accounts that are no adviser's have none.

    What the limits of the accounts that share them need goes to pre_trade; without a market no limits are asked. All of
    it is read beyond the walls: a block is dealt for accounts that who changes it may not see.
    """
    async with beyond_walls(session, is_walled=pre_trade.is_walled):
        wanted = list(places)
        known = accounts
        if pre_trade.is_walled:
            known = await account_facts(session, {key for key, _ in wanted})
            if market is not None:
                tenant_ids = sorted({key.tenant_id for key, _ in wanted})
                (pre_trade.chains,) = await session.read(risk.chains_of(tenant_ids))
        return await _block_facts(session, wanted, known, pre_trade, market)


async def _block_facts(
    session: BatchSession,
    places: Iterable[PositionKey],
    accounts: Mapping[AccountKey, AccountFacts],
    pre_trade: PreTrade,
    market: Market | None,
) -> BlockFacts:
    asked: list[PositionKey] = []
    theirs: set[PositionKey] = set()
    members: dict[TenantId, set[AccountId]] = {}
    for key, instrument_id in places:
        facts = accounts.get(key)
        if facts is None or facts.adviser is None:
            continue
        asked.append((key, instrument_id))
        for account_id in facts.adviser.accounts.values():
            theirs.add((AccountKey(tenant_id=key.tenant_id, account_id=account_id), instrument_id))
            members.setdefault(key.tenant_id, set()).add(account_id)
    if not asked:
        return NO_BLOCKS
    if market is not None:
        sharing = Asked(keys={key for key, _ in theirs}, places=frozenset())
        await also_read(session, pre_trade, sharing, market)
    held, undivided = await session.read(positions.positions_at(theirs), blocks.undivided(set(asked)))
    worth: dict[AccountId, Worth] = {}
    for tenant_id, account_ids in sorted(members.items()):
        (told,) = await session.read(advisers_batch.worth_of(tenant_id, account_ids))
        worth |= told
    advisers = {key: accounts[key] for key, _ in asked}
    return BlockFacts(positions=held, undivided=undivided, worth=worth, accounts=advisers)


def route_problem(new: NewOrder, account: AccountFacts) -> Problem | None:
    """Why the order is none of its account; None for an order that is, as every order of a plain account."""
    if new.through is not None and account.adviser_id != new.through:
        return problem(OrderProblem.ALLOCATION_ACCOUNT_UNKNOWN, "allocation", "accountId")
    return allocation_problem(new, None if account.adviser is None else account.adviser.groups)


def block_problem(
    new: NewOrder, key: AccountKey, account: AccountFacts, instrument: Instrument, facts: BlockFacts
) -> Problem | None:
    """Why a block that is well formed is not taken for what its accounts hold; None when it is."""
    assert new.allocation is not None, "only blocks are asked about"
    assert account.adviser is not None, "blocks are an adviser's"
    group = group_of(new.allocation, account.adviser.groups)
    assert group is not None, "the group was found before"
    if (new.allocation.method or group.method) is not AllocationMethod.PERCENT_CHANGE:
        return None
    if any(number not in account.adviser.accounts for number in group.account_numbers):
        message = (
            "what the accounts of the group hold is not known: some are no accounts of the tenant under the adviser"
        )
        return problem(OrderProblem.ALLOCATION_ACCOUNT_UNKNOWN, "allocation", "group", message=message)
    assert new.allocation.percentage is not None, "the method has one"
    held = [
        _held(facts, key.tenant_id, account.adviser.accounts[number], instrument.id) for number in group.account_numbers
    ]
    return percentage_problem(new.terms.quantity, new.allocation.percentage, held, instrument.lot_size)


def held_as_block(
    pre_trade: PreTrade,
    proposal: Proposal,
    allocation: Allocation | None,
    key: AccountKey,
    account: AccountFacts,
    facts: BlockFacts,
    *,
    is_walled: bool = False,
) -> tuple[Proposal, tuple[RiskCheck, ...]]:
    """The order as the chain of the adviser's account is to see it, and where its shares go beyond limits of theirs.

    is_walled is True for somebody who may not see all accounts: the figures of members are not told then.

    The adviser's exposure is what all accounts hold and what its blocks have dealt for them; a share is what an account
    is expected to get. An order that is no block stays as it is.
    """
    if allocation is None or account.adviser is None:
        return proposal, ()
    exposure, place = proposal.exposure, (key, proposal.instrument.id)
    held = [_held(facts, key.tenant_id, one, proposal.instrument.id) for one in account.adviser.accounts.values()]
    position = exposure.position_quantity + sum(held, ZERO) + facts.undivided.get(place, ZERO)
    whole = replace(proposal, exposure=replace(exposure, position_quantity=position))
    group = group_of(allocation, account.adviser.groups)
    if group is None:
        # It was taken away at the broker since the order was placed: who shares the block is not known.
        return whole, ()
    checks = _breaches(pre_trade, proposal, allocation, group, key, account.adviser, facts)
    if is_walled or pre_trade.is_walled:
        checks = tuple((number, _walled(check)) for number, check in checks)
    return whole, tuple(replace(check, message=f"{number}: {check.message}") for number, check in checks)


def _breaches(
    pre_trade: PreTrade,
    proposal: Proposal,
    allocation: Allocation,
    group: AllocationGroup,
    key: AccountKey,
    adviser: Adviser,
    facts: BlockFacts,
) -> tuple[tuple[str, RiskCheck], ...]:
    instrument = proposal.instrument
    weights = _weights(allocation.method or group.method, group, key, adviser, instrument.id, facts)
    # What goes for every account of the tenant goes for each share, too.
    own = pre_trade.chain(key.tenant_id).without(_NOT_OF_SHARES)
    found: list[tuple[str, RiskCheck]] = []
    for number, quantity in expected_shares(group, proposal.terms.quantity, weights, instrument.lot_size).items():
        account_id = adviser.accounts.get(number)
        if account_id is None or not quantity:
            continue
        member = AccountKey(tenant_id=key.tenant_id, account_id=account_id)
        position = facts.positions.get((member, instrument.id))
        share = replace(
            proposal,
            account_id=account_id,
            terms=replace(proposal.terms, quantity=quantity),
            adds_quantity=quantity,
            exposure=Exposure(
                position_quantity=ZERO if position is None else position.quantity,
                open_buy_quantity=ZERO if position is None else position.open_buy_quantity,
                open_sell_quantity=ZERO if position is None else position.open_sell_quantity,
                open_orders=0,
            ),
        )
        found += [
            (number, check) for check in pre_trade.check(member, share, own) if check.outcome is RiskOutcome.FAILED
        ]
    return tuple(found)


def _walled(check: RiskCheck) -> RiskCheck:
    # What an account holds is not for everybody to know who trades for it.
    return replace(check, message="the limit refuses its share", observed=None, inputs={})


def _weights(
    method: AllocationMethod | None,
    group: AllocationGroup,
    key: AccountKey,
    adviser: Adviser,
    instrument_id: InstrumentId,
    facts: BlockFacts,
) -> dict[str, Decimal] | None:
    if method is not None and method.needs_amounts:
        return dict(zip(group.account_numbers, group.amounts, strict=True))
    weights: dict[str, Decimal] = {}
    for number in group.account_numbers:
        account_id = adviser.accounts.get(number)
        if account_id is None:
            continue
        worth = facts.worth.get(account_id, Worth(net_liquidation=None, available=None))
        match method:
            case AllocationMethod.PERCENT_CHANGE:
                weights[number] = abs(_held(facts, key.tenant_id, account_id, instrument_id))
            case AllocationMethod.NET_LIQUIDATION:
                weights[number] = worth.net_liquidation or ZERO
            case AllocationMethod.AVAILABLE_EQUITY:
                weights[number] = worth.available or ZERO
            case _:
                return None
    return weights


def _held(facts: BlockFacts, tenant_id: TenantId, account_id: AccountId, instrument_id: InstrumentId) -> Decimal:
    position = facts.positions.get((AccountKey(tenant_id=tenant_id, account_id=account_id), instrument_id))
    return ZERO if position is None else position.quantity
