"""What the flows at the door work with: built once in a process, handed to each of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.clock import Clock
from app.core.ids import Ids
from app.errands.service import Errands
from app.flows.audit.refusals import Refusals
from app.flows.identity.authenticate import Authenticator
from app.identity.service import IdentityService
from app.identity.two_factor.service import TwoFactorService
from app.infra.db import Database
from app.infra.delays import Delays
from app.infra.password_strength import PasswordStrength
from app.infra.passwords import Passwords
from app.infra.redis import Redis
from app.infra.tokens import AccessTokens
from app.infra.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The database, the clock, the instruments of identity, and what is refused here and goes into the audit log."""

    database: Database
    passwords: Passwords
    identity: IdentityService
    two_factor: TwoFactorService
    authenticator: Authenticator
    errands: Errands
    strength: PasswordStrength
    delays: Delays
    is_registration_open: bool
    clock: Clock
    ids: Ids
    refusals: Refusals

    def close(self) -> None:
        """Lets the threads of password hashing and judging go."""
        self.passwords.close()
        self.strength.close()


def open_door(
    database: Database,
    *,
    token_secret: str,
    vault: Vault,
    clock: Clock,
    ids: Ids,
    previous_token_secrets: Sequence[str] = (),
    redis: Redis | None = None,
    is_registration_open: bool = True,
) -> Door:
    """The door of a process; the database is of the role APP. The vault seals what errands are about, and what second
    factors are made of.

    Without a Redis, failed tries are counted in this process alone.

    Tokens under the previous secrets still hold. Raises ValueError for a secret below 32 bytes.
    """
    tokens = AccessTokens(token_secret, clock, previous_token_secrets)
    identity = IdentityService(tokens=tokens, clock=clock, ids=ids)
    return Door(
        database=database,
        passwords=Passwords(),
        identity=identity,
        two_factor=TwoFactorService(vault=vault, clock=clock, ids=ids),
        authenticator=Authenticator(database, identity, clock),
        errands=Errands(vault=vault, clock=clock, ids=ids),
        strength=PasswordStrength(),
        delays=Delays(redis, clock),
        is_registration_open=is_registration_open,
        clock=clock,
        ids=ids,
        refusals=Refusals(database, clock, ids),
    )
