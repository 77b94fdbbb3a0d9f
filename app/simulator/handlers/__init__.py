"""What each message of a client sets in motion, a module for each subject."""

from app.simulator.handlers import accounts, advisers, contracts, history, market_data, orders
from app.simulator.venue import Handler

HANDLERS: dict[int, Handler] = {
    **accounts.HANDLERS,
    **advisers.HANDLERS,
    **contracts.HANDLERS,
    **history.HANDLERS,
    **market_data.HANDLERS,
    **orders.HANDLERS,
}
"""By message id of the TWS protocol."""
