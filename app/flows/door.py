"""What the flows at the door work with: built once in a process, handed to each of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.clock import Clock
from app.core.ids import Ids
from app.flows.authenticate import Authenticator
from app.identity.service import IdentityService
from app.infra.db import Database
from app.infra.passwords import Passwords
from app.infra.tokens import AccessTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The database, the clock and the instruments of identity."""

    database: Database
    passwords: Passwords
    identity: IdentityService
    authenticator: Authenticator
    clock: Clock
    ids: Ids

    def close(self) -> None:
        """Lets the threads of password hashing go."""
        self.passwords.close()


def open_door(
    database: Database, *, token_secret: str, clock: Clock, ids: Ids, previous_token_secrets: Sequence[str] = ()
) -> Door:
    """The door of a process; the database is of the role APP.

    Tokens under the previous secrets still hold. Raises ValueError for a secret below 32 bytes.
    """
    tokens = AccessTokens(token_secret, clock, previous_token_secrets)
    identity = IdentityService(tokens=tokens, clock=clock, ids=ids)
    return Door(
        database=database,
        passwords=Passwords(),
        identity=identity,
        authenticator=Authenticator(database, identity, clock),
        clock=clock,
        ids=ids,
    )
