"""Accounts: managed accounts, positions, figures by stream, by tag and by model, gains of the day."""

from app.simulator import messages
from app.simulator.rules import INVALID_REQUEST, UNKNOWN_CONTRACT, UNKNOWN_CONTRACT_MESSAGE
from app.simulator.session import Session, Summary
from app.simulator.venue import Handler, Venue
from app.simulator.wire import FieldReader

ALL_ACCOUNTS = "All"
TOO_MANY_SUMMARIES = 322


def request_managed_accounts(venue: Venue, session: Session, reader: FieldReader) -> None:
    """17: the accounts of this login."""
    session.send(messages.managed_accounts(sorted(venue.exchange.accounts)))


def request_positions(venue: Venue, session: Session, reader: FieldReader) -> None:
    """61: the positions of all accounts, now and as they change."""
    for account_id, account in venue.exchange.accounts.items():
        for con_id, holding in account.holdings.items():
            if holding.quantity:
                session.send(messages.position(account_id, venue.directory[con_id], holding))
    session.send(messages.position_end())
    session.subscriptions.has_positions = True


def cancel_positions(venue: Venue, session: Session, reader: FieldReader) -> None:
    """64."""
    session.subscriptions.has_positions = False


def request_account_updates(venue: Venue, session: Session, reader: FieldReader) -> None:
    """6: one account's figures and positions, now and as they change."""
    reader.skip(1)
    is_subscribing, account_id = reader.boolean(), reader.text()
    subscriptions = session.subscriptions
    subscriptions.account_id = None
    subscriptions.account_told.clear()
    if not is_subscribing:
        return
    account_id = account_id or next(iter(venue.exchange.accounts))
    account = venue.exchange.accounts.get(account_id)
    if account is None:
        session.send_error(-1, INVALID_REQUEST, f"Error validating request: invalid account code '{account_id}'.")
        return
    subscriptions.account_id = account_id
    venue.tell_account(session, account_id, venue.tags_of(account_id))
    for con_id, holding in account.holdings.items():
        if holding.quantity:
            mark = venue.exchange.mark(con_id)
            session.send(messages.portfolio_value(account_id, venue.directory[con_id], holding, mark))
    session.send(messages.account_download_end(account_id))


def request_account_summary(venue: Venue, session: Session, reader: FieldReader) -> None:
    """62: chosen figures of all accounts or of a group's, now and every three minutes as they change."""
    reader.skip(1)
    request_id, group, tags = reader.integer(), reader.text(), frozenset(reader.text().replace(" ", "").split(","))
    summaries = session.subscriptions.summaries
    known = venue.exchange.desk.groups.get(group)
    if known is None and group != ALL_ACCOUNTS:
        session.send_error(request_id, INVALID_REQUEST, f"Error validating request: unknown account group {group!r}")
        return
    if request_id not in summaries and len(summaries) >= venue.config.summaries_max:
        session.send_error(request_id, TOO_MANY_SUMMARIES, "Maximum number of account summary requests exceeded")
        return
    account_ids = tuple(venue.exchange.accounts) if known is None else known.account_ids
    summaries[request_id] = Summary(account_ids=account_ids, tags=tags, told_at=venue.clock.now())
    venue.tell_summary(session, request_id)
    session.send(messages.account_summary_end(request_id))


def cancel_account_summary(venue: Venue, session: Session, reader: FieldReader) -> None:
    """63: the end of an account summary."""
    reader.skip(1)
    session.subscriptions.summaries.pop(reader.integer(), None)


def request_positions_multi(venue: Venue, session: Session, reader: FieldReader) -> None:
    """74: the positions of one account or of all, under a request id."""
    reader.skip(1)
    request_id, account_id, model = reader.integer(), reader.text(), reader.text()
    for known_id, account in venue.exchange.accounts.items():
        for con_id, holding in account.holdings.items():
            if holding.quantity and account_id in {"", known_id}:
                listed = venue.directory[con_id]
                session.send(messages.position_multi(request_id, known_id, listed, holding, model))
    session.send(messages.position_multi_end(request_id))
    session.subscriptions.position_multis[request_id] = (account_id, model)


def cancel_positions_multi(venue: Venue, session: Session, reader: FieldReader) -> None:
    """75."""
    reader.skip(1)
    session.subscriptions.position_multis.pop(reader.integer(), None)


def request_account_updates_multi(venue: Venue, session: Session, reader: FieldReader) -> None:
    """76: the figures of one account, under a request id."""
    reader.skip(1)
    request_id, account_id, model = reader.integer(), reader.text(), reader.text()
    account_id = account_id or next(iter(venue.exchange.accounts))
    if account_id not in venue.exchange.accounts:
        message = f"Error validating request: invalid account code '{account_id}'."
        session.send_error(request_id, INVALID_REQUEST, message)
        return
    for tag, value, currency in venue.tags_of(account_id):
        session.send(messages.account_update_multi(request_id, account_id, model, tag, value, currency))
    session.send(messages.account_update_multi_end(request_id))


def request_gains(venue: Venue, session: Session, reader: FieldReader) -> None:
    """92: an account's gains of the day, now and as they change."""
    request_id, account_id = reader.integer(), reader.text()
    if _is_known(venue, session, request_id, account_id):
        session.subscriptions.gains[request_id] = account_id
        venue.tell_gains(session, request_id, account_id)


def cancel_gains(venue: Venue, session: Session, reader: FieldReader) -> None:
    """93."""
    session.subscriptions.gains.pop(reader.integer(), None)


def request_single_gains(venue: Venue, session: Session, reader: FieldReader) -> None:
    """94: one position's gains of the day, now and as they change."""
    request_id, account_id = reader.integer(), reader.text()
    reader.skip(1)
    if _is_known(venue, session, request_id, account_id):
        con_id = reader.integer()
        if con_id not in venue.directory:
            session.send_error(request_id, UNKNOWN_CONTRACT, UNKNOWN_CONTRACT_MESSAGE)
            return
        session.subscriptions.single_gains[request_id] = (account_id, con_id)
        venue.tell_single_gains(session, request_id, account_id, con_id)


def cancel_single_gains(venue: Venue, session: Session, reader: FieldReader) -> None:
    """95."""
    session.subscriptions.single_gains.pop(reader.integer(), None)


def accept_end(venue: Venue, session: Session, reader: FieldReader) -> None:
    """77: the end of what was answered once and for all."""


def _is_known(venue: Venue, session: Session, request_id: int, account_id: str) -> bool:
    if account_id in venue.exchange.accounts:
        return True
    session.send_error(request_id, INVALID_REQUEST, f"Error validating request: invalid account code '{account_id}'.")
    return False


HANDLERS: dict[int, Handler] = {
    6: request_account_updates,
    17: request_managed_accounts,
    61: request_positions,
    62: request_account_summary,
    63: cancel_account_summary,
    64: cancel_positions,
    74: request_positions_multi,
    75: cancel_positions_multi,
    76: request_account_updates_multi,
    77: accept_end,
    92: request_gains,
    93: cancel_gains,
    94: request_single_gains,
    95: cancel_single_gains,
}
