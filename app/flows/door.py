"""What the flows at the door work with: built once in a process, handed to each of them."""

from dataclasses import dataclass

from app.core.clock import Clock
from app.core.ids import Ids
from app.errands.service import Errands
from app.flows.authenticate import Authenticator
from app.identity.service import IdentityService
from app.infra.db import Database
from app.infra.delays import Delays
from app.infra.password_strength import PasswordStrength
from app.infra.passwords import Passwords
from app.infra.redis import Redis
from app.infra.tokens import AccessTokens
from app.infra.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The database, the clock and the instruments of identity."""

    database: Database
    passwords: Passwords
    identity: IdentityService
    authenticator: Authenticator
    errands: Errands
    strength: PasswordStrength
    delays: Delays
    is_registration_open: bool
    clock: Clock
    ids: Ids

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
    redis: Redis | None = None,
    is_registration_open: bool = True,
) -> Door:
    """The door of a process; the database is of the role APP. The vault seals what errands are about.

    Without a Redis, failed tries are counted in this process alone.

    Raises ValueError for a token secret below 32 bytes.
    """
    tokens = AccessTokens(token_secret, clock)
    identity = IdentityService(tokens=tokens, clock=clock, ids=ids)
    return Door(
        database=database,
        passwords=Passwords(),
        identity=identity,
        authenticator=Authenticator(database, identity, clock),
        errands=Errands(vault=vault, clock=clock, ids=ids),
        strength=PasswordStrength(),
        delays=Delays(redis, clock),
        is_registration_open=is_registration_open,
        clock=clock,
        ids=ids,
    )
