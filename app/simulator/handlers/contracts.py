"""Contracts: details, search, price increments; and the server's clock."""

from app.simulator import contract_messages, messages
from app.simulator.directory import OPTION_EXCHANGES, ContractQuery
from app.simulator.instruments import MARKET_RULES
from app.simulator.rules import (
    COMBINATION,
    COMBINATIONS_UNSERVED_MESSAGE,
    UNKNOWN_CONTRACT,
    UNKNOWN_CONTRACT_MESSAGE,
)
from app.simulator.session import Session
from app.simulator.venue import Handler, Venue
from app.simulator.wire import FieldReader

UNKNOWN_MARKET_RULE = 10005


def request_contract_details(venue: Venue, session: Session, reader: FieldReader) -> None:
    """9: all contracts that answer a query."""
    reader.skip(1)
    request_id = reader.integer()
    query = ContractQuery.read(reader)
    if query.sec_type == COMBINATION:
        session.send_error(request_id, UNKNOWN_CONTRACT, f"{UNKNOWN_CONTRACT_MESSAGE}: {COMBINATIONS_UNSERVED_MESSAGE}")
        return
    found = venue.directory.find(query, with_expired=reader.boolean())
    if not found:
        session.send_error(request_id, UNKNOWN_CONTRACT, UNKNOWN_CONTRACT_MESSAGE)
        return
    for listed in found:
        session.send(contract_messages.contract_details(request_id, listed, venue.clock.now(), session.version))
    session.send(contract_messages.contract_details_end(request_id))


def request_matching_symbols(venue: Venue, session: Session, reader: FieldReader) -> None:
    """81: contracts that a few letters might mean."""
    request_id, pattern = reader.integer(), reader.text()
    directory = venue.directory
    found = [(listed, directory.derivative_types(listed)) for listed in directory.samples(pattern)]
    session.send(contract_messages.symbol_samples(request_id, found, session.version))


def request_market_rule(venue: Venue, session: Session, reader: FieldReader) -> None:
    """91: the price steps of a rule that contract details named."""
    rule_id = reader.integer()
    rule = MARKET_RULES.get(rule_id)
    if rule is None and rule_id in venue.directory.entries:
        # What has no rule of Interactive Brokers has one under its contract id.
        rule = venue.directory[rule_id].rule
    if rule is None:
        session.send_error(-1, UNKNOWN_MARKET_RULE, f"Unknown market rule {rule_id}")
        return
    session.send(contract_messages.market_rule(rule))


def request_option_chain(venue: Venue, session: Session, reader: FieldReader) -> None:
    """78: the expiries and strikes of the options on a contract; there are none on futures."""
    request_id, symbol, exchange, sec_type, con_id = (
        reader.integer(),
        reader.text(),
        reader.text(),
        reader.text(),
        reader.integer(),
    )
    chain = None if exchange else venue.directory.chain(symbol, sec_type, con_id)
    if chain is not None:
        for place in OPTION_EXCHANGES:
            session.send(contract_messages.option_chain(request_id, place, venue.directory[con_id], *chain))
    session.send(contract_messages.option_chain_end(request_id))


def request_current_time(venue: Venue, session: Session, reader: FieldReader) -> None:
    """49: the server's clock."""
    session.send(messages.current_time(venue.clock.now()))


def accept_in_silence(venue: Venue, session: Session, reader: FieldReader) -> None:
    """Requests that TWS does not answer and that change nothing here, such as the log level."""


HANDLERS: dict[int, Handler] = {
    9: request_contract_details,
    14: accept_in_silence,
    49: request_current_time,
    78: request_option_chain,
    81: request_matching_symbols,
    91: request_market_rule,
}
