"""The SQL of retention: the rule of a tenant, and what it lets go."""

from dataclasses import dataclass
from datetime import datetime

from app.compliance.domain.retention import KEEP_DAYS_MIN, RecordRetention
from app.core.ids import TenantId, uuid7
from app.infra.db import BatchSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """How much was deleted."""

    alerts: int
    cases: int

    @property
    def total(self) -> int:
        """Alerts and cases together."""
        return self.alerts + self.cases


async def retention(session: BatchSession, tenant_id: TenantId, *, for_update: bool = False) -> RecordRetention:
    """The tenant's rule; the default when none was ever set. for_update keeps two setters apart."""
    if for_update:
        await session.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('record retention ' || $1::text, 0))", str(tenant_id)
        )
    rows = await session.fetch(
        "SELECT alert_days, case_days, set_by, set_at FROM record_retentions WHERE tenant_id = $1", tenant_id
    )
    return RecordRetention(**dict(rows[0])) if rows else RecordRetention()


async def set_retention(session: BatchSession, tenant_id: TenantId, rule: RecordRetention) -> None:
    """Stores the tenant's rule."""
    await session.execute(
        """
        INSERT INTO record_retentions (tenant_id, alert_days, case_days, set_by, set_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id) DO UPDATE SET alert_days = excluded.alert_days, case_days = excluded.case_days,
          set_by = excluded.set_by, set_at = excluded.set_at
        """,
        tenant_id,
        rule.alert_days,
        rule.case_days,
        rule.set_by,
        rule.set_at,
    )


async def prune(
    session: BatchSession, tenant_id: TenantId, alerts_before: datetime, cases_before: datetime, limit: int
) -> Gone:
    """Deletes alerts and closed cases from before, at most `limit` of each, the oldest first.

    A case on which somebody has written since stays. The role must be SEALER, and its policies keep what is young by
    the database's own clock: an instant that lies later is taken back to it.
    """
    floor = (await session.fetch("SELECT now() - make_interval(days => $1::int) AS floor", KEEP_DAYS_MIN))[0]["floor"]
    alerts_before, cases_before = min(alerts_before, floor), min(cases_before, floor)
    alerts = await session.fetch(
        """
        DELETE FROM restriction_alerts WHERE tenant_id = $1 AND id = ANY(ARRAY(
          SELECT id FROM restriction_alerts WHERE tenant_id = $1 AND id < $2 AND created_at < $3
          ORDER BY id LIMIT $4))
        RETURNING id
        """,
        tenant_id,
        uuid7(alerts_before, 0),
        alerts_before,
        limit,
    )
    found = await session.fetch(
        """
        SELECT c.id FROM surveillance_cases AS c
        WHERE c.tenant_id = $1 AND c.id < $2 AND c.state = 'CLOSED' AND c.updated_at < $3 AND NOT EXISTS (
          SELECT FROM surveillance_notes AS n
          WHERE n.tenant_id = c.tenant_id AND n.case_id = c.id AND n.written_at >= $3)
        ORDER BY c.id LIMIT $4
        """,
        tenant_id,
        uuid7(cases_before, 0),
        cases_before,
        limit,
    )
    case_ids = [row["id"] for row in found]
    await session.execute(
        "DELETE FROM surveillance_notes WHERE tenant_id = $1 AND case_id = ANY($2::uuid[])", tenant_id, case_ids
    )
    cases = await session.fetch(
        "DELETE FROM surveillance_cases WHERE tenant_id = $1 AND id = ANY($2::uuid[]) RETURNING id",
        tenant_id,
        case_ids,
    )
    return Gone(alerts=len(alerts), cases=len(cases))
