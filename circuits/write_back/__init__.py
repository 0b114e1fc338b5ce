"""What weights are written to: devices that take a weight as they can, and keep it as they do."""

from circuits.write_back.array import SynapseArray
from circuits.write_back.parameters import WriteBackParameters

__all__ = ["SynapseArray", "WriteBackParameters"]
