"""The engines: one idea of the network each, behind the same interface."""

from sim.engines.ideal import IdealEngine
from sim.engines.neospice import NeospiceEngine
from sim.engines.ngspice import NgspiceEngine
from sim.engines.reduced import ReducedEngine

__all__ = ["IdealEngine", "NeospiceEngine", "NgspiceEngine", "ReducedEngine"]
