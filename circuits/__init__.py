"""What things are: device physics, parameters and the weight-resistor mapping.

No SPICE text here and no simulation.
"""

from circuits.activation import ActivationParameters, DiodeParameters
from circuits.circuit import CircuitParameters
from circuits.exceptions import OpAmpException
from circuits.network import Network
from circuits.noise import NoiseParameters
from circuits.opamp import OpAmpParameters
from circuits.smtj import FlipPath, SmtjParameters, Telegraph
from circuits.string import NoiseString
from circuits.synapse import ResistorPairs, SynapseParameters

__all__ = [
    "ActivationParameters",
    "CircuitParameters",
    "DiodeParameters",
    "FlipPath",
    "Network",
    "NoiseParameters",
    "NoiseString",
    "OpAmpException",
    "OpAmpParameters",
    "ResistorPairs",
    "SmtjParameters",
    "SynapseParameters",
    "Telegraph",
]
