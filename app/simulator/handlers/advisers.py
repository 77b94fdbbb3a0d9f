"""An adviser's groups of accounts: told and replaced."""

from app.simulator.advisers import (
    ALIASES,
    GROUPS,
    PROFILES,
    GroupsError,
    aliases_document,
    groups_document,
    read_groups,
)
from app.simulator.rules import INVALID_REQUEST
from app.simulator.session import Session
from app.simulator.venue import Handler, Venue
from app.simulator.wire import FieldReader, encode

PROFILES_GONE = 585
NOT_AN_ADVISER_MESSAGE = "Error validating request: FA data operations ignored for non FA customers."
PROFILES_GONE_MESSAGE = "FA Profile is not supported anymore, use FA Group instead"


def request_groups(venue: Venue, session: Session, reader: FieldReader) -> None:
    """18: the groups, or the other names of the accounts."""
    reader.skip(1)
    kind = reader.integer()
    if not _may_ask(venue, session, -1, kind):
        return
    desk = venue.exchange.desk
    if kind == GROUPS:
        document = groups_document(desk.groups.values(), session.version)
    else:
        document = aliases_document([desk.master_id, *desk.sub_account_ids])
    session.send(encode(16, 1, kind, document))


def replace_groups(venue: Venue, session: Session, reader: FieldReader) -> None:
    """19: other groups than there were."""
    reader.skip(1)
    kind, document, request_id = reader.integer(), reader.text(), reader.integer(-1)
    if not _may_ask(venue, session, request_id, kind):
        return
    desk = venue.exchange.desk
    if kind != GROUPS:
        session.send_error(request_id, INVALID_REQUEST, "Error validating request: other names are not kept here")
        return
    try:
        groups = read_groups(document, desk.sub_account_ids)
    except GroupsError as error:
        session.send_error(request_id, INVALID_REQUEST, f"Error validating request: {error}")
        return
    desk.groups = {group.name: group for group in groups}
    venue.note_change()
    session.send(encode(103, request_id, "success"))


def _may_ask(venue: Venue, session: Session, request_id: int, kind: int) -> bool:
    if not venue.exchange.desk.master_id:
        session.send_error(request_id, INVALID_REQUEST, NOT_AN_ADVISER_MESSAGE)
    elif kind == PROFILES:
        session.send_error(request_id, PROFILES_GONE, PROFILES_GONE_MESSAGE)
    elif kind not in {GROUPS, ALIASES}:
        session.send_error(request_id, INVALID_REQUEST, f"Error validating request: no FA data type {kind}")
    else:
        return True
    return False


HANDLERS: dict[int, Handler] = {18: request_groups, 19: replace_groups}
