"""Contracts: details, search, price increments; and the server's clock."""

from app.simulator import messages
from app.simulator.directory import ContractQuery
from app.simulator.rules import UNKNOWN_CONTRACT, UNKNOWN_CONTRACT_MESSAGE
from app.simulator.session import Session
from app.simulator.venue import Handler, Venue
from app.simulator.wire import FieldReader

UNKNOWN_MARKET_RULE = 10005


def request_contract_details(venue: Venue, session: Session, reader: FieldReader) -> None:
    """9: all contracts that answer a query."""
    reader.skip(1)
    request_id = reader.integer()
    found = venue.directory.find(ContractQuery.read(reader))
    if not found:
        session.send_error(request_id, UNKNOWN_CONTRACT, UNKNOWN_CONTRACT_MESSAGE)
        return
    for listed in found:
        session.send(messages.contract_details(request_id, listed, venue.clock.now(), session.version))
    session.send(messages.contract_details_end(request_id))


def request_matching_symbols(venue: Venue, session: Session, reader: FieldReader) -> None:
    """81: contracts that a few letters might mean."""
    request_id, pattern = reader.integer(), reader.text()
    session.send(messages.symbol_samples(request_id, venue.directory.samples(pattern), session.version))


def request_market_rule(venue: Venue, session: Session, reader: FieldReader) -> None:
    """91: the price increments of a rule that contract details named."""
    rule_id = reader.integer()
    for con_id in venue.directory.entries:
        listed = venue.directory[con_id]
        if listed.market_rule_id == rule_id:
            session.send(messages.market_rule(rule_id, listed.entry.tick_size))
            return
    session.send_error(-1, UNKNOWN_MARKET_RULE, f"Unknown market rule {rule_id}")


def request_current_time(venue: Venue, session: Session, reader: FieldReader) -> None:
    """49: the server's clock."""
    session.send(messages.current_time(venue.clock.now()))


def accept_in_silence(venue: Venue, session: Session, reader: FieldReader) -> None:
    """Requests that TWS does not answer and that change nothing here, such as the log level."""


HANDLERS: dict[int, Handler] = {
    9: request_contract_details,
    14: accept_in_silence,
    49: request_current_time,
    81: request_matching_symbols,
    91: request_market_rule,
}
