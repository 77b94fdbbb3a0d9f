"""What an operation is charged to: the API key and its quota, or the person, the tenant, the address of nobody."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Self

from app.core.errors import RateLimitedError
from app.core.gcra import Limit, Standing
from app.identity.domain import Client, Principal
from app.infra.rates import Charge, RateLimiter
from app.infra.settings import Settings

IPV6_NETWORK_BITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationLimits:
    """The limits of each kind, in cost a second; None where none is kept."""

    address: Limit | None = None
    user: Limit | None = None
    api_key: Limit | None = None
    tenant: Limit | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits that the settings ask for."""

        def limit(units_per_s: int) -> Limit | None:
            burst = units_per_s * settings.rate_limit_burst_seconds
            return Limit(units_per_s=units_per_s, burst=burst) if units_per_s else None

        return cls(
            address=limit(settings.rate_limit_address),
            user=limit(settings.rate_limit_user),
            api_key=limit(settings.rate_limit_key),
            tenant=limit(settings.rate_limit_tenant),
        )


class OperationRates:
    """Charges operations to those who ask for them."""

    def __init__(self, limiter: RateLimiter, limits: OperationLimits) -> None:
        self._limiter = limiter
        self._limits = limits

    async def charge(
        self, client: Client, principal: Principal | None, *, cost: int, is_way_in: bool, opens: bool, is_first: bool
    ) -> Standing | None:
        """How the tightest limit stands; one that refuses has charged nothing. None where no limit is kept.

        Who is nobody is charged by address, and so is every way in, such as a login, whoever asks. is_first is the
        charge that counts in the quota of a key, of several for one operation. `opens` lets the operation through
        while Redis is away; without it each process limits by itself.
        """
        charges = self._charges(client, principal, cost, is_way_in=is_way_in, is_first=is_first)
        return await self._limiter.charge(charges, opens=opens)

    def _charges(
        self, client: Client, principal: Principal | None, cost: int, *, is_way_in: bool, is_first: bool
    ) -> list[Charge]:
        limits, charges = self._limits, list[Charge]()
        if limits.address is not None and (principal is None or is_way_in):
            charges.append(Charge(key=f"address:{network_of(client.ip_address)}", limit=limits.address, units=cost))
        if principal is None:
            return charges
        if principal.api_key_id is not None:
            if is_first and principal.requests_per_minute is not None:
                charges.append(_quota(principal.api_key_id.hex, principal.requests_per_minute))
            if limits.api_key is not None:
                charges.append(Charge(key=f"key:{principal.api_key_id.hex}", limit=limits.api_key, units=cost))
        elif limits.user is not None and principal.user_id is not None:
            charges.append(Charge(key=f"user:{principal.user_id.hex}", limit=limits.user, units=cost))
        if limits.tenant is not None:
            charges.append(Charge(key=f"tenant:{principal.tenant_id.hex}", limit=limits.tenant, units=cost))
        return charges


def refusal_of(standing: Standing | None) -> RateLimitedError | None:
    """What is told of a charge that was refused; None of one that was not."""
    if standing is None or standing.wait_s <= 0:
        return None
    return RateLimitedError(standing.wait_s, limit=standing.key.partition(":")[0].upper())


def network_of(address: str) -> str:
    """What of an address is limited as one: all of an IPv4 address, the /64 that a site has of an IPv6 address.

    What is no address, such as a local socket, is limited as one as well.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "none"
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{int(parsed) >> IPV6_NETWORK_BITS:016x}"


def _quota(key: str, requests_per_minute: int) -> Charge:
    # A minute's requests at once after a pause, then evenly: a window that begins anew would let two minutes' through.
    limit = Limit(units_per_s=requests_per_minute / 60, burst=requests_per_minute)
    return Charge(key=f"quota:{key}", limit=limit, units=1)
