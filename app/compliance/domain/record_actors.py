"""Who stands behind the actors of an order record: for a regulator, to whom ids alone say nothing."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.identity.domain.actors import NamedActor

ACTOR_COLUMNS: Final = (
    "actorKind",
    "apiKeyName",
    "personId",
    "personState",
    "personName",
    "personEmail",
    "personRole",
)


def actors_in(
    order: Mapping[str, Any], events: Iterable[Mapping[str, Any]], requests: Iterable[Mapping[str, Any]]
) -> list[str]:
    """The actors that the rows of an order name, each once, in the order in which they come up."""
    asked = list(requests)
    named = [order["placed_by"], *_lookers(order)]
    named += [one["actor"] for one in events]
    for one in asked:
        named += [one["requested_by"], *_lookers(one)]
    return list(dict.fromkeys(named))


def actor_document(named: NamedActor) -> dict[str, str | None]:
    """The actor as a record has it; the same names are columns of a CSV."""
    return {
        "actor": named.actor,
        "actorKind": named.kind.value,
        "apiKeyName": named.api_key_name,
        "personId": None if named.person_id is None else str(named.person_id),
        "personState": None if named.person_state is None else named.person_state.value,
        "personName": named.person_name,
        "personEmail": named.person_email,
        "personRole": named.person_role,
    }


def _lookers(row: Mapping[str, Any]) -> list[str]:
    return [check["look"]["by"] for check in row["risk_checks"] if check.get("look") is not None]
