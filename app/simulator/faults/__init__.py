"""Faults that the simulator commits on demand: what desks have seen gateways do, each by name and with parameters."""

from app.simulator.faults.catalogue import FAULTS, meaning_of
from app.simulator.faults.engine import ActiveFault, FaultEngine, read_parameters
from app.simulator.faults.parameters import FaultInputError, ParameterDescription, ParameterReader

__all__ = [
    "FAULTS",
    "ActiveFault",
    "FaultEngine",
    "FaultInputError",
    "ParameterDescription",
    "ParameterReader",
    "meaning_of",
    "read_parameters",
]
