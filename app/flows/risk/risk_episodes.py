"""From one look at the limits to the next: which records begin, grow and end, and what is told of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from app.core.ids import AccountId, BreachId, Ids, LimitId
from app.core.money import ZERO
from app.core.records import replace
from app.flows.risk.risk_news import RiskAlert
from app.orders.repository.watching import Refusal
from app.risk.domain import RiskLimit
from app.risk.monitoring.domain.utilisation import Utilisation, ratio_of
from app.risk.monitoring.domain.watch import PEAK_STEP, BreachRecord, Level, Watch, alert_of, watched

Pair = tuple[LimitId, AccountId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """How many orders a limit refused since the last look, and what it said of the last one."""

    count: int
    last: Refusal
    last_at: datetime


@dataclass(slots=True, kw_only=True)
class Changes:
    """What one look has changed."""

    begun: list[BreachRecord] = field(default_factory=list)
    grown: list[BreachRecord] = field(default_factory=list)
    ended: list[BreachRecord] = field(default_factory=list)
    alerts: list[RiskAlert] = field(default_factory=list)
    watches: dict[Pair, Watch] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True when nothing is to be stored or told."""
        return not (self.begun or self.grown or self.ended or self.alerts)


def changes_of(
    watches: Mapping[Pair, Watch],
    breaches: Iterable[BreachRecord],
    utilisations: Sequence[Utilisation],
    refused: Mapping[Pair, Refused],
    ids: Ids,
    now: datetime,
) -> Changes:
    """What the look has changed. The level of a pair is that of its open record; watches tell how calm it is."""
    changes = Changes()
    standing: dict[Pair, BreachRecord] = {(one.limit_id, one.account_id): one for one in breaches}
    used: dict[Pair, Utilisation] = {(one.limit.id, one.account_id): one for one in utilisations}
    for pair in standing.keys() | used.keys() | refused.keys():
        record, one, refusal = standing.get(pair), used.get(pair), refused.get(pair)
        level = Level.CLEAR if record is None else record.level
        before = Watch(level=level, calm_since=watches[pair].calm_since if pair in watches else None)
        refused_at = refusal.last_at if refusal else None if record is None else record.last_refused_at
        after = watched(before, one, refused_at, now)
        if after.calm_since is not None:
            changes.watches[pair] = after
        if after.level is level:
            if record is not None:
                _grow(changes, record, one, refusal)
            continue
        if record is not None:
            changes.ended.append(record)
        begun = None if after.level is Level.CLEAR else _record(pair, after.level, one, refusal, ids, now)
        if begun is not None:
            changes.begun.append(begun)
        kind = alert_of(level, after.level)
        told_of = begun if record is None or (begun is not None and begun.level.severity > level.severity) else record
        if kind is not None and told_of is not None:
            changes.alerts.append(
                RiskAlert(
                    kind=kind,
                    limit_id=pair[0],
                    account_id=pair[1],
                    instrument_id=told_of.instrument_id if one is None else one.instrument_id,
                    breach_id=told_of.id if begun is None else begun.id,
                    used=_used(one, told_of),
                    value=told_of.value if one is None else one.value,
                    ratio=ZERO if one is None else one.ratio,
                    is_breached=one is not None and one.is_breached,
                    at=now,
                )
            )
    return changes


def _grow(changes: Changes, record: BreachRecord, one: Utilisation | None, refusal: Refused | None) -> None:
    grown = record
    if one is not None and one.used is not None and one.ratio >= record.peak_ratio * PEAK_STEP > 0:
        grown = replace(grown, peak_observed=one.used, peak_ratio=one.ratio)
    if refusal is not None:
        grown = replace(grown, refusals=grown.refusals + refusal.count, last_refused_at=refusal.last_at)
    if grown is not record:
        changes.grown.append(grown)


def _record(
    pair: Pair, level: Level, one: Utilisation | None, refusal: Refused | None, ids: Ids, now: datetime
) -> BreachRecord | None:
    if level is Level.REFUSALS:
        # A record that falls back to refusals brings none of its own: the next refusal begins another.
        return None if refusal is None else _of_refusal(pair, refusal, ids, now)
    assert one is not None, "only what is measured warns"
    observed = ZERO if one.used is None else one.used
    return BreachRecord(
        id=BreachId(ids.new()),
        limit_id=pair[0],
        limit_version=one.limit.version,
        limit_type=one.limit.limit_type,
        account_id=pair[1],
        instrument_id=one.instrument_id,
        level=level,
        observed=observed,
        value=one.value,
        ratio=one.ratio,
        peak_observed=observed,
        peak_ratio=one.ratio,
        opened_at=now,
        refusals=0 if refusal is None else refusal.count,
        last_refused_at=None if refusal is None else refusal.last_at,
    )


def _of_refusal(pair: Pair, refusal: Refused, ids: Ids, now: datetime) -> BreachRecord:
    last = refusal.last
    value, observed = last.limit or ZERO, last.observed or ZERO
    limit = RiskLimit(id=pair[0], limit_type=last.limit_type, value=value)
    ratio = ratio_of(limit, observed) if value else Decimal(0)
    return BreachRecord(
        id=BreachId(ids.new()),
        limit_id=pair[0],
        limit_version=last.limit_version,
        limit_type=last.limit_type,
        account_id=pair[1],
        instrument_id=last.instrument_id,
        level=Level.REFUSALS,
        observed=observed,
        value=value,
        ratio=ratio,
        peak_observed=observed,
        peak_ratio=ratio,
        opened_at=now,
        refusals=refusal.count,
        last_refused_at=refusal.last_at,
    )


def _used(one: Utilisation | None, record: BreachRecord) -> Decimal:
    if one is None or one.used is None:
        return record.peak_observed if one is not None else ZERO
    return one.used
