"""What the flows at the door work with: built once in a process, handed to each of them."""

from dataclasses import dataclass

from app.core.clock import Clock
from app.core.ids import Ids
from app.errands.service import Errands
from app.flows.authenticate import Authenticator
from app.identity.service import IdentityService
from app.infra.db import Database
from app.infra.passwords import Passwords
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
    clock: Clock
    ids: Ids

    def close(self) -> None:
        """Lets the threads of password hashing go."""
        self.passwords.close()


def open_door(database: Database, *, token_secret: str, vault: Vault, clock: Clock, ids: Ids) -> Door:
    """The door of a process; the database is of the role APP. The vault seals what errands are about.

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
        clock=clock,
        ids=ids,
    )
