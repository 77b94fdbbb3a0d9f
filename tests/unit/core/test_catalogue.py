"""The instruments that the demo and the simulator share."""

import pytest

from app.core.catalogue import CATALOGUE, CatalogueEntry
from app.core.fix import InstrumentType
from app.core.money import ZERO, is_multiple


def test_symbols_and_contract_ids_are_unique() -> None:
    assert len({entry.symbol for entry in CATALOGUE}) == len(CATALOGUE)
    assert len({entry.con_id for entry in CATALOGUE}) == len(CATALOGUE)


def test_something_is_dealt_in_a_currency_that_a_pair_converts() -> None:
    foreign = {entry.currency for entry in CATALOGUE if entry.instrument_type != "FOREX"} - {"USD"}
    pairs = {entry.symbol for entry in CATALOGUE if entry.instrument_type == "FOREX"}

    assert foreign == {"EUR"}
    assert {f"{currency}.USD" for currency in foreign} <= pairs


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.symbol)
def test_each_entry_has_a_sound_grid_and_starts_on_it(entry: CatalogueEntry) -> None:
    assert InstrumentType(entry.instrument_type)
    assert min(entry.tick_size, entry.lot_size, entry.multiplier, entry.reference_price) > ZERO
    assert is_multiple(entry.reference_price, entry.tick_size)
