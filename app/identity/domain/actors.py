"""Who stands behind the actors that events, checks and requests name, as it is known now."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from app.core.ids import ApiKeyId, UserId


class ActorKind(StrEnum):
    """What an actor is. PLATFORM is an administrator of the installation, SYSTEM a process of the house or a broker."""

    PERSON = "PERSON"
    API_KEY = "API_KEY"
    PLATFORM = "PLATFORM"
    SYSTEM = "SYSTEM"


class PersonState(StrEnum):
    """What a person is to the tenant now. Of one who was ERASED or is UNKNOWN to it nothing is told."""

    MEMBER = "MEMBER"
    SUSPENDED = "SUSPENDED"
    FORMER = "FORMER"
    ERASED = "ERASED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedActor:
    """An actor, and who is behind it: the person themselves, or who answers for the API key.

    The person's own fields are None for an actor without a person, role too for one who is no member any more.
    """

    actor: str
    kind: ActorKind
    api_key_name: str | None = None
    person_id: UserId | None = None
    person_state: PersonState | None = None
    person_name: str | None = None
    person_email: str | None = None
    person_role: str | None = None


def person_in(actor: str) -> UserId | None:
    """The person whom the actor is; None for any other actor."""
    found = _id_in(actor, "user")
    return None if found is None else UserId(found)


def api_key_in(actor: str) -> ApiKeyId | None:
    """The API key that the actor is; None for any other actor."""
    found = _id_in(actor, "key")
    return None if found is None else ApiKeyId(found)


def unnamed(actor: str) -> NamedActor:
    """The actor as long as nothing is known of a person behind it."""
    if person_in(actor) is not None:
        return NamedActor(
            actor=actor, kind=ActorKind.PERSON, person_id=person_in(actor), person_state=PersonState.UNKNOWN
        )
    if api_key_in(actor) is not None:
        return NamedActor(actor=actor, kind=ActorKind.API_KEY, person_state=PersonState.UNKNOWN)
    kind = ActorKind.PLATFORM if _id_in(actor, "platform") is not None else ActorKind.SYSTEM
    return NamedActor(actor=actor, kind=kind)


def _id_in(actor: str, kind: str) -> UUID | None:
    found, _, id_text = actor.partition(":")
    if found != kind:
        return None
    try:
        return UUID(id_text)
    except ValueError:
        return None
