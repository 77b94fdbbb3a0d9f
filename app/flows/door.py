"""What the flows at the door work with: built once in a process, handed to each of them."""

from dataclasses import dataclass

from app.core.clock import Clock
from app.core.ids import Ids
from app.flows.authenticate import Authenticator
from app.flows.refusals import Refusals
from app.identity.service import IdentityService
from app.infra.db import Database
from app.infra.passwords import Passwords
from app.infra.tokens import AccessTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The database, the clock, the instruments of identity, and what is refused here and goes into the audit log."""

    database: Database
    passwords: Passwords
    identity: IdentityService
    authenticator: Authenticator
    clock: Clock
    ids: Ids
    refusals: Refusals

    def close(self) -> None:
        """Lets the threads of password hashing go."""
        self.passwords.close()


def open_door(database: Database, *, token_secret: str, clock: Clock, ids: Ids) -> Door:
    """The door of a process; the database is of the role APP.

    Raises ValueError for a token secret below 32 bytes.
    """
    tokens = AccessTokens(token_secret, clock)
    identity = IdentityService(tokens=tokens, clock=clock, ids=ids)
    return Door(
        database=database,
        passwords=Passwords(),
        identity=identity,
        authenticator=Authenticator(database, identity, clock),
        clock=clock,
        ids=ids,
        refusals=Refusals(database, clock, ids),
    )
