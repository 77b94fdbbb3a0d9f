"""A row in every table of a tenant, so that nothing of another tenant is proven invisible by being absent."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
from sqlalchemy import text

from app.approvals.models import OrderApprovalRow
from app.audit.models import AuditRow
from app.brokers.models import (
    BrokerCredentialRow,
    CurrencyBalanceRow,
    GatewaySeatRow,
    ReconciliationBreakRow,
    ReconciliationRow,
)
from app.brokers.paper.models import (
    PaperAccountRow,
    PaperCashRow,
    PaperExecutionRow,
    PaperOrderRow,
    PaperPositionRow,
)
from app.core.fix import RiskLimitType
from app.core.ids import InstrumentId, TenantId, UserId
from app.core.messages import AccountKey
from app.errands.models import ErrandRow
from app.identity.accounts.models import PasswordHistoryRow, PersonTokenRow, RegistrationRow
from app.identity.domain import Principal
from app.identity.models import (
    ApiKeyAccountRow,
    ApiKeyRow,
    CustomRoleRow,
    InvitationRow,
    MemberAccountRow,
    PlatformEntryRow,
    PlatformSessionRow,
    RefreshTokenRow,
)
from app.identity.two_factor.models import (
    ProofFailureRow,
    RecoveryCodeRow,
    SecondFactorRow,
    TwoFactorChallengeRow,
)
from app.infra.db import Database, WriteSession
from app.infra.system import SystemIds
from app.infra.uow import Scope, begin
from app.marketdata.models import BarRangeRow, BarRow, FxRateRow, MarketDataSubscriptionRow
from app.orders.models import (
    EarlyCommissionRow,
    ExecutionRow,
    LaneCommandRow,
    OrderEventRow,
    OrderRequestRow,
    OrderRow,
    QuarantinedReportRow,
)
from app.positions.models import (
    OpeningMarkRow,
    PnlSnapshotRow,
    PositionAdjustmentRow,
    PositionHistoryRow,
    PositionRow,
)
from app.risk.domain import RiskLimit
from app.risk.halts.models import KillSwitchAccountRow, KillSwitchRow, TradingHaltRow
from app.risk.history.models import RiskUtilisationSampleRow, ValueAtRiskDayRow
from app.risk.keeping.domain.changes import limit_document
from app.risk.keeping.models import RiskLimitDrillRow, RiskLimitProposalRow, RiskLimitVersionRow
from app.risk.monitoring.models import CircuitBreakerRow, CircuitBreakerTripRow, RiskBreachRow, RiskWatchPlaceRow
from app.tenants.models import TenantDataKeyRow
from tests.factories import (
    make_account,
    make_approval_policy,
    make_instruments,
    make_limit,
    make_principal,
    make_tenant,
)
from tests.integration.isolation.compliance_rows import add_compliance

ONE = Decimal(1)
ZERO = Decimal(0)

_ids = SystemIds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """A tenant that has something in every table."""

    tenant_id: TenantId
    principal: Principal
    account: AccountKey
    instrument_id: InstrumentId


async def make_firm(database: Database) -> Firm:
    """A new tenant with at least one row in every table."""
    tenant_id = await make_tenant(database)
    principal = await make_principal(database, tenant_id)
    account = await make_account(database, tenant_id)
    instruments = await make_instruments(database, tenant_id, "AAPL")
    limit = await make_limit(database, tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, ONE)
    await make_approval_policy(database, tenant_id)
    firm = Firm(tenant_id=tenant_id, principal=principal, account=account, instrument_id=instruments["AAPL"].id)
    assert principal.user_id is not None
    scope = Scope(tenant_id=tenant_id, user_id=principal.user_id, platform_user_id=principal.user_id)
    async with begin(database, scope) as session:
        await _add_account(session, firm)
        await _add_second_factor(session, principal.user_id)
        await _add_credentials(session, firm)
        await _add_members(session, firm)
        await _add_order(session, firm)
        await _add_earnings(session, firm)
        await _add_market_data(session, firm)
        await _add_paper_books(session, firm)
        await _add_connection(session, firm)
        await _add_kept_limit(session, firm, limit)
        await _add_halts(session, firm)
        await _add_monitoring(session, firm, limit)
        await session.execute(
            text("INSERT INTO outbox (tenant_id, channel, payload, created_at) VALUES (:tenant_id, 'c', '{}', now())"),
            {"tenant_id": tenant_id},
        )
    return firm


async def _add_account(session: WriteSession, firm: Firm) -> None:
    now, user_id = datetime.now(UTC), firm.principal.user_id
    assert user_id is not None
    email, token_hash = f"{user_id.hex}@example.com", user_id.bytes * 2
    session.add_all(
        [
            RegistrationRow(
                id=user_id,
                email=email,
                password_hash="none",
                tenant_name="canary",
                first_name="canary",
                last_name="canary",
                token_hash=token_hash,
                created_at=now,
                expires_at=now,
            ),
            PersonTokenRow(
                user_id=user_id,
                id=_ids.new(),
                purpose="RESET_PASSWORD",
                email=email,
                token_hash=token_hash,
                created_at=now,
                expires_at=now,
            ),
            PasswordHistoryRow(user_id=user_id, id=_ids.new(), password_hash="canary", set_at=now),
            ErrandRow(
                id=user_id,
                kind="MAIL",
                recipient=email,
                state="WAITING",
                sealed=b"canary",
                wrapped_key=b"canary",
                master_version="1",
                created_at=now,
                due_at=now + timedelta(days=1),
                expires_at=now,
            ),
        ]
    )
    await session.flush()


async def add_sealed_log(owner: asyncpg.Connection, firm: Firm) -> None:
    """What the application itself cannot write: a sealed entry, the head of its chain, a key, a rule of retention."""
    tenant_id, new_id, digest = firm.tenant_id, _ids.new(), b"h" * 32
    await owner.execute(
        """
        INSERT INTO audit_chain
          (tenant_id, sequence, id, actor, action, resource_type, resource_id, created_at, hash)
        SELECT $1, 1, $2, 'test', 'test', 'Order', id::text, now(), $3 FROM orders WHERE tenant_id = $1 LIMIT 1
        """,
        tenant_id,
        new_id,
        digest,
    )
    await owner.execute(
        """
        INSERT INTO audit_heads (tenant_id, sequence, hash, pruned_sequence, pruned_hash, sealed_at)
        VALUES ($1, 1, $2, 0, $2, now())
        """,
        tenant_id,
        digest,
    )
    await owner.execute(
        """
        INSERT INTO audit_signed_heads (tenant_id, sequence, key_id, pruned_sequence, hash, signed_at, signature)
        VALUES ($1, 1, '1', 0, $2, now(), $3)
        """,
        tenant_id,
        digest,
        2 * digest,
    )
    await owner.execute(
        """
        INSERT INTO audit_person_keys (tenant_id, id, subject, master_version, wrapped, created_at)
        VALUES ($1, $2, 'user:canary', '1', $3, now())
        """,
        tenant_id,
        _ids.new(),
        digest,
    )
    await owner.execute(
        "INSERT INTO audit_retentions (tenant_id, keep_days, set_by, set_at) VALUES ($1, NULL, 'test', now())",
        tenant_id,
    )


async def _add_credentials(session: WriteSession, firm: Firm) -> None:
    now, tenant_id = datetime.now(UTC), firm.tenant_id
    assert firm.principal.session_id is not None
    assert firm.principal.user_id is not None
    session.add_all(
        [
            RefreshTokenRow(
                tenant_id=tenant_id,
                id=_ids.new(),
                session_id=firm.principal.session_id,
                token_hash=_ids.new().bytes * 2,
                created_at=now,
                expires_at=now,
            ),
            ApiKeyRow(
                tenant_id=tenant_id,
                id=_ids.new(),
                user_id=firm.principal.user_id,
                name="key",
                prefix="prefix",
                secret_hash=_ids.new().bytes * 2,
                scopes=["VIEW_ORDERS"],
                ip_allowlist=[],
                created_at=now,
            ),
            AuditRow(
                tenant_id=tenant_id, id=_ids.new(), actor="test", action="test", resource_type="test", created_at=now
            ),
            TwoFactorChallengeRow(
                tenant_id=tenant_id,
                id=_ids.new(),
                user_id=firm.principal.user_id,
                token_hash=_ids.new().bytes * 2,
                attempts=0,
                created_at=now,
                expires_at=now,
            ),
        ]
    )
    await session.flush()


async def _add_second_factor(session: WriteSession, user_id: UserId) -> None:
    now = datetime.now(UTC)
    session.add_all(
        [
            SecondFactorRow(
                user_id=user_id,
                master_version="1",
                wrapped_key=b"canary",
                sealed_secret=b"canary",
                last_step=0,
                begun_at=now,
            ),
            RecoveryCodeRow(user_id=user_id, code_hash=_ids.new().bytes * 2, created_at=now),
            ProofFailureRow(user_id=user_id, failures=1, last_failed_at=now),
        ]
    )
    await session.flush()


async def _add_members(session: WriteSession, firm: Firm) -> None:
    now, user_id, tenant_id = datetime.now(UTC), firm.principal.user_id, firm.tenant_id
    assert user_id is not None
    key_id = (await session.execute(text("SELECT id FROM api_keys"))).scalar_one()
    account_id, token_hash = firm.account.account_id, user_id.bytes * 2
    session.add_all(
        [
            CustomRoleRow(
                tenant_id=tenant_id,
                id=_ids.new(),
                name="canary",
                scopes=["VIEW_ORDERS"],
                created_at=now,
                updated_at=now,
            ),
            MemberAccountRow(tenant_id=tenant_id, user_id=user_id, account_id=account_id, may_trade=True),
            ApiKeyAccountRow(tenant_id=tenant_id, api_key_id=key_id, account_id=account_id, may_trade=True),
            InvitationRow(
                tenant_id=tenant_id,
                id=_ids.new(),
                email="canary@example.com",
                role="VIEWER",
                token_hash=token_hash,
                invited_by="test",
                times_sent=1,
                created_at=now,
                sent_at=now,
                expires_at=now + timedelta(days=1),
            ),
            PlatformEntryRow(
                tenant_id=tenant_id,
                id=_ids.new(),
                user_id=user_id,
                session_id=_ids.new(),
                administrator="canary",
                reason="canary",
                scopes=[],
                token_hash=token_hash,
                created_at=now,
                expires_at=now,
            ),
            PlatformSessionRow(
                user_id=user_id,
                id=_ids.new(),
                token_hash=token_hash,
                ip_address="",
                user_agent="",
                created_at=now,
                expires_at=now,
            ),
        ]
    )
    await session.flush()


async def _add_market_data(session: WriteSession, firm: Firm) -> None:
    now = datetime.now(UTC)
    of_instrument: dict[str, Any] = {"tenant_id": firm.tenant_id, "instrument_id": firm.instrument_id}
    session.add_all(
        [
            MarketDataSubscriptionRow(
                **of_instrument,
                id=_ids.new(),
                is_active=True,
                created_by="test",
                created_at=now,
                ticks_received=0,
                gaps=0,
            ),
            BarRow(
                **of_instrument,
                bar_interval="DAY_1",
                starts_at=now,
                open_price=ONE,
                high_price=ONE,
                low_price=ONE,
                close_price=ONE,
                volume=ZERO,
            ),
            BarRangeRow(**of_instrument, bar_interval="DAY_1", covered_from=now, covered_until=now + timedelta(days=1)),
        ]
    )
    await session.flush()


async def _add_order(session: WriteSession, firm: Firm) -> None:
    now, order_id = datetime.now(UTC), _ids.new()
    account: dict[str, Any] = {"tenant_id": firm.tenant_id, "account_id": firm.account.account_id}
    of_order = {**account, "order_id": order_id, "instrument_id": firm.instrument_id}
    session.add(
        OrderRow(
            **account,
            id=order_id,
            instrument_id=firm.instrument_id,
            client_order_id="canary",
            terms_hash=b"\x00" * 32,
            side="BUY",
            order_type="MARKET",
            time_in_force="DAY",
            quantity=ONE,
            origin="API",
            order_metadata={},
            placed_by="test",
            state="ROUTED",
            filled_quantity=ZERO,
            filled_notional=ZERO,
            commission=ZERO,
            overfilled_quantity=ZERO,
            risk_checks=[],
            created_at=now,
            updated_at=now,
        )
    )
    await session.flush()
    session.add_all(
        [
            OrderRequestRow(
                tenant_id=firm.tenant_id,
                id=_ids.new(),
                order_id=order_id,
                kind="CANCEL",
                outcome="PENDING",
                terms={},
                requested_by="test",
                requested_at=now,
            ),
            OrderEventRow(
                **account,
                sequence=1,
                order_id=order_id,
                type="OrderPlaced",
                to_state="ROUTED",
                actor="test",
                details={},
                occurred_at=now,
                recorded_at=now,
            ),
            ExecutionRow(
                **of_order,
                id=_ids.new(),
                execution_id="1.1.01",
                execution_root="1.1",
                revision=1,
                side="BUY",
                quantity=ONE,
                price=ONE,
                executed_at=now,
                recorded_at=now,
            ),
            EarlyCommissionRow(**account, execution_id="2.1.01", commission=ONE, currency="USD", recorded_at=now),
            OrderApprovalRow(
                tenant_id=firm.tenant_id,
                order_id=order_id,
                policy_id=_ids.new(),
                policy_version=1,
                reasons=[],
                requested_at=now,
                expires_at=now,
            ),
            LaneCommandRow(**account, kind="PLACE", order_id=order_id, created_at=now),
            QuarantinedReportRow(**account, id=_ids.new(), reason="test", report={}, recorded_at=now),
            PositionRow(
                **account,
                id=_ids.new(),
                instrument_id=firm.instrument_id,
                quantity=ONE,
                average_price=ONE,
                realized_pnl=ZERO,
                commission=ZERO,
                open_buy_quantity=ZERO,
                open_sell_quantity=ZERO,
                updated_at=now,
            ),
        ]
    )
    await session.flush()
    await add_compliance(session, firm.tenant_id, firm.account.account_id, firm.instrument_id, order_id)


async def _add_earnings(session: WriteSession, firm: Firm) -> None:
    now, reconciliation_id = datetime.now(UTC), _ids.new()
    account: dict[str, Any] = {"tenant_id": firm.tenant_id, "account_id": firm.account.account_id}
    of_position = {**account, "instrument_id": firm.instrument_id}
    session.add_all(
        [
            FxRateRow(
                tenant_id=firm.tenant_id,
                base_currency="EUR",
                quote_currency="USD",
                rate=ONE,
                quoted_at=now,
                recorded_at=now,
            ),
            PositionHistoryRow(
                **of_position,
                sequence=1,
                quantity=ONE,
                average_price=ONE,
                realized_pnl=ZERO,
                realized_pnl_base=ZERO,
                unconverted_pnl=0,
                commission=ZERO,
                commission_base=ZERO,
                unconverted_commissions=0,
                recorded_at=now,
            ),
            PositionAdjustmentRow(
                **of_position,
                id=_ids.new(),
                type="SPLIT",
                ratio=ONE,
                effective_at=now,
                reason="canary",
                idempotency_key="canary",
                quantity_before=ONE,
                quantity_after=ONE,
                average_price_before=ONE,
                average_price_after=ONE,
                realized_pnl=ZERO,
                adjusted_by="test",
                after_sequence=1,
                place=1,
                recorded_at=now,
            ),
            ReconciliationRow(
                **account,
                id=reconciliation_id,
                occasion="SWEEP",
                started_at=now,
                finished_at=now,
                orders_checked=0,
                positions_checked=1,
                positions_in_flight=0,
                executions_imported=0,
                breaks_open=1,
                looks=1,
            ),
            OpeningMarkRow(**of_position, day=now.date(), price=ONE, rate=ONE, taken_at=now),
            PnlSnapshotRow(
                **account,
                id=_ids.new(),
                at=now,
                realized=ZERO,
                unrealized=ZERO,
                commission=ZERO,
                net=ZERO,
                equity=ONE,
                peak=ONE,
                drawdown=ZERO,
            ),
        ]
    )
    await session.flush()
    session.add(
        ReconciliationBreakRow(
            **of_position,
            id=_ids.new(),
            reconciliation_id=reconciliation_id,
            kind="AVERAGE_COST",
            subject="canary",
            severity="NOTICE",
            difference="cost",
            state="OPEN",
            found_at=now,
            last_seen_at=now,
            snapshot_at=now,
        )
    )
    await session.flush()


async def _add_halts(session: WriteSession, firm: Firm) -> None:
    now, tenant_id, account_id = datetime.now(UTC), firm.tenant_id, firm.account.account_id
    halt_id, kill_switch_id = _ids.new(), _ids.new()
    target: dict[str, Any] = {"tenant_id": tenant_id, "scope": "ACCOUNT", "account_id": account_id, "reason": "canary"}
    # Released, so that the firm trades.
    session.add(
        TradingHaltRow(
            **target,
            id=halt_id,
            mode="HALTED",
            is_automatic=False,
            is_kill_switch=True,
            halted_by=firm.principal.actor,
            halted_at=now,
            resumed_by=firm.principal.actor,
            resumed_at=now,
            resume_reason="canary",
        )
    )
    await session.flush()
    session.add(
        KillSwitchRow(
            **target,
            id=kill_switch_id,
            halt_id=halt_id,
            closes_positions=False,
            is_drill=False,
            activated_by=firm.principal.actor,
            activated_at=now,
            barred_at=now,
            finished_at=now,
        )
    )
    await session.flush()
    session.add(
        KillSwitchAccountRow(
            tenant_id=tenant_id,
            kill_switch_id=kill_switch_id,
            account_id=account_id,
            step="DONE",
            order_ids=[],
            close_ids=[],
            positions_closing=0,
            attempts=0,
            errors=[],
            finished_at=now,
        )
    )
    await session.flush()


async def _add_paper_books(session: WriteSession, firm: Firm) -> None:
    now, order_id = datetime.now(UTC), _ids.new()
    account: dict[str, Any] = {"tenant_id": firm.tenant_id, "account_id": firm.account.account_id}
    of_instrument = {**account, "instrument_id": firm.instrument_id, "contract_id": 265598}
    session.add(PaperAccountRow(**account, base_currency="USD", starting_cash=ONE, opened_at=now))
    await session.flush()
    session.add_all(
        [
            PaperCashRow(**account, currency="USD", amount=ONE),
            PaperPositionRow(**of_instrument, symbol="AAPL", quantity=ONE, average_cost=ONE, realized=ZERO),
            PaperOrderRow(
                **of_instrument,
                permanent_id=1,
                broker_order_id=1,
                order_id=order_id,
                symbol="AAPL",
                instrument_type="STOCK",
                exchange="SMART",
                currency="USD",
                side="BUY",
                order_type="MARKET",
                quantity=ONE,
                time_in_force="DAY",
                outside_regular_hours=False,
                status="FILLED",
                placed_at=now,
                filled=ONE,
                notional=ONE,
                commission=ONE,
                is_triggered=False,
                ended_at=now,
            ),
        ]
    )
    await session.flush()
    session.add(
        PaperExecutionRow(
            **of_instrument,
            number=1,
            permanent_id=1,
            broker_order_id=1,
            order_id=order_id,
            side="BUY",
            quantity=ONE,
            price=ONE,
            commission=ONE,
            currency="USD",
            is_maker=False,
            quoted_at=now,
            executed_at=now,
        )
    )
    await session.flush()


async def _add_kept_limit(session: WriteSession, firm: Firm, limit: RiskLimit) -> None:
    now = datetime.now(UTC)
    of_limit: dict[str, Any] = {
        "tenant_id": firm.tenant_id,
        "limit_id": limit.id,
        "account_id": firm.account.account_id,
    }
    session.add_all(
        [
            RiskLimitVersionRow(
                **of_limit,
                version=1,
                action="CREATED",
                after=limit_document(limit),
                changed_by="test",
                reason="canary",
                recorded_at=now,
            ),
            RiskLimitProposalRow(
                **of_limit,
                id=_ids.new(),
                base_version=1,
                before=limit_document(limit),
                why=["canary"],
                reason="canary",
                proposed_by="test",
                created_at=now,
                expires_at=now + timedelta(days=1),
                state="PENDING",
            ),
            RiskLimitDrillRow(
                **of_limit, limit_version=1, outcome="FIRED", message="canary", drilled_by="test", drilled_at=now
            ),
        ]
    )
    await session.flush()


async def _add_monitoring(session: WriteSession, firm: Firm, limit: RiskLimit) -> None:
    now = datetime.now(UTC)
    account: dict[str, Any] = {"tenant_id": firm.tenant_id, "account_id": firm.account.account_id}
    breaker_id, halt_id = _ids.new(), _ids.new()
    whole_and_one: list[dict[str, Any]] = [{"account_id": None}, {"account_id": firm.account.account_id}]
    session.add_all(
        [
            RiskBreachRow(
                **account,
                id=_ids.new(),
                limit_id=limit.id,
                limit_version=1,
                limit_type=limit.limit_type.value,
                level="WARNING",
                observed=ONE,
                value=ONE,
                ratio=ONE,
                peak_observed=ONE,
                peak_ratio=ONE,
                opened_at=now,
                refusals=1,
                note="canary",
            ),
            RiskWatchPlaceRow(**account, seen=1, disconnects=[]),
            RiskUtilisationSampleRow(
                **account,
                limit_id=limit.id,
                minute=now,
                instrument_id=firm.instrument_id,
                ratio=ONE,
                used=ONE,
                value=ONE,
                is_measured=True,
            ),
            *(
                ValueAtRiskDayRow(
                    tenant_id=firm.tenant_id,
                    id=_ids.new(),
                    **of_account,
                    mode="SIM",
                    currency="USD",
                    day=now.date(),
                    closed_at=now,
                    computed_at=now,
                    confidence=Decimal("0.99"),
                    observations=1,
                    long=ONE,
                    short=ONE,
                    covered_gross=ONE,
                    positions=1,
                    unvalued=0,
                    uncovered=0,
                    constant_currencies=[],
                    reason="canary",
                )
                # Of all accounts together, and of one.
                for of_account in whole_and_one
            ),
            CircuitBreakerRow(
                **account,
                id=breaker_id,
                kind="LOSS",
                threshold=ONE,
                mode="HALTED",
                window_s=60,
                minimum=1,
                cooldown_s=0,
                is_active=False,
                version=1,
                updated_by="test",
                updated_at=now,
            ),
            TradingHaltRow(
                **account,
                id=halt_id,
                scope="ACCOUNT",
                mode="REDUCE_ONLY",
                reason="canary",
                is_automatic=True,
                is_kill_switch=False,
                halted_by="test",
                halted_at=now,
                resumed_by="test",
                resumed_at=now,
                resume_reason="canary",
            ),
        ]
    )
    await session.flush()
    session.add(
        CircuitBreakerTripRow(
            **account,
            id=_ids.new(),
            breaker_id=breaker_id,
            breaker_version=1,
            kind="LOSS",
            threshold=ONE,
            observed=ONE,
            reason="canary",
            halt_id=halt_id,
            tripped_at=now,
        )
    )
    await session.flush()


async def _add_connection(session: WriteSession, firm: Firm) -> None:
    now = datetime.now(UTC)
    account: dict[str, Any] = {"tenant_id": firm.tenant_id, "account_id": firm.account.account_id}
    session.add(
        TenantDataKeyRow(tenant_id=firm.tenant_id, version=1, master_version="1", wrapped=b"canary", created_at=now)
    )
    await session.flush()
    session.add_all(
        [
            BrokerCredentialRow(**account, name="password", key_version=1, sealed=b"canary", set_at=now),
            GatewaySeatRow(**account, host=firm.account.account_id.hex, port=4002, client_id=1),
            CurrencyBalanceRow(**account, currency="USD", cash=ONE, updated_at=now),
        ]
    )
    await session.flush()
