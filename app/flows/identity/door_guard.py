"""What holds guessing up: growing delays per person and network, per person, and per network."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from app.flows.identity.door import Door
from app.identity.accounts.errors import TooManyAttemptsError
from app.identity.domain import EMAIL_LENGTH_MAX, Client
from app.infra.delays import Counted, DelayRule

# Whoever guesses from one place is held up soon. A person whom somebody guesses at from many places still gets in from
# where they have signed in before: there only the first rule and the last are asked.
FROM_ONE_PLACE: Final = DelayRule(free=5)
FROM_ANYWHERE: Final = DelayRule(free=30)
OF_A_NETWORK: Final = DelayRule(free=100)
# Questions that anyone may ask without a password.
ASKED_BY_A_NETWORK: Final = DelayRule(free=20, most=timedelta(minutes=1))
MAILS_TO_AN_ADDRESS: Final = DelayRule(
    free=3, first=timedelta(minutes=1), most=timedelta(hours=1), kept=timedelta(hours=3)
)
PLACE_REMEMBERED: Final = timedelta(days=30)
_IPV6_PREFIX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try at somebody's password that was let through, and counts until it is told to have succeeded."""

    place: str
    from_one_place: Counted
    others: tuple[Counted, ...]


async def begin_attempt(door: Door, email: str, client: Client) -> Attempt:
    """Lets a try at the password of the address through. It is the same whether anyone has the address.

    Raises TooManyAttemptsError.
    """
    person, network = _folded(email), network_of(client.ip_address)
    place = f"{person} {network}"
    from_one_place = Counted(subject=f"place {place}", rule=FROM_ONE_PLACE)
    others = [Counted(subject=f"network {network}", rule=OF_A_NETWORK)]
    if not await door.delays.remembers(place):
        others.append(anywhere(email))
    wait_s = await door.delays.enter([from_one_place, *others])
    if wait_s:
        raise TooManyAttemptsError(wait_s)
    return Attempt(place=place, from_one_place=from_one_place, others=tuple(others))


async def succeed(door: Door, attempt: Attempt) -> None:
    """The password was right: what failed from there before is forgotten, and the place is known."""
    await door.delays.forget([attempt.from_one_place])
    await door.delays.take_back(attempt.others)
    await door.delays.remember(attempt.place, PLACE_REMEMBERED)


async def lift(door: Door, email: str, client: Client) -> None:
    """Ends what delays the person, everywhere and from the client's place: for who has proven to read their mail."""
    place = f"{_folded(email)} {network_of(client.ip_address)}"
    await door.delays.forget([anywhere(email), Counted(subject=f"place {place}", rule=FROM_ONE_PLACE)])


async def bound_questions(door: Door, client: Client) -> None:
    """Counts a question that anyone may ask. Raises TooManyAttemptsError."""
    asked = Counted(subject=f"asked {network_of(client.ip_address)}", rule=ASKED_BY_A_NETWORK)
    if wait_s := await door.delays.enter([asked]):
        raise TooManyAttemptsError(wait_s)


class Mailing(StrEnum):
    """What a stranger may have an address mailed, each counted by itself.

    Whoever fills somebody's mailbox with registrations must not keep them from the link that lets them in again.
    """

    REGISTRATION = "registration"
    PASSWORD_RESET = "reset"  # noqa: S105
    EMAIL_CHANGE = "change"
    EMAIL_VERIFICATION = "verification"


async def may_mail(door: Door, email: str, what: Mailing) -> bool:
    """Counts a mail to the address that a stranger asks for; False when it has had enough of these.

    Nobody is told: it would tell what others have asked for.
    """
    return not await door.delays.enter([Counted(subject=f"mail {what} {_folded(email)}", rule=MAILS_TO_AN_ADDRESS)])


def anywhere(email: str) -> Counted:
    """What counts the tries at the person's password from wherever they come."""
    return Counted(subject=f"person {_folded(email)}", rule=FROM_ANYWHERE)


def network_of(address: str) -> str:
    """The network that tries are counted by: the address, or of IPv6 the /64 that one subscriber has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "none"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((int(parsed), _IPV6_PREFIX), strict=False))
    return str(parsed)


def _folded(email: str) -> str:
    # Blanks go first, as where the address is read: else each one in front would make another person of the same one.
    return email.strip()[: EMAIL_LENGTH_MAX + 1].lower()
