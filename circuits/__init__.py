"""What things are: device physics, parameters and the weight-resistor mapping.

No SPICE text here and no simulation.
"""

from circuits.activation import ActivationParameters, DiodeParameters
from circuits.circuit import CircuitParameters
from circuits.exceptions import PartException
from circuits.mismatch import Chip, MismatchParameters
from circuits.network import Network
from circuits.noise import NoiseParameters
from circuits.opamp import OpAmpParameters
from circuits.smtj import FlipPath, SmtjParameters, Telegraph
from circuits.string import NoiseString
from circuits.synapse import ResistorPairs, SynapseParameters
from circuits.write_back import SynapseArray, WriteBackParameters

__all__ = [
    "ActivationParameters",
    "Chip",
    "CircuitParameters",
    "DiodeParameters",
    "FlipPath",
    "MismatchParameters",
    "Network",
    "NoiseParameters",
    "NoiseString",
    "OpAmpParameters",
    "PartException",
    "ResistorPairs",
    "SmtjParameters",
    "SynapseArray",
    "SynapseParameters",
    "Telegraph",
    "WriteBackParameters",
]
