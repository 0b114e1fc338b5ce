"""What things are: device physics, parameters and the weight-resistor mapping.

No SPICE text here and no simulation; numpy and scipy only.
"""

from circuits.activation import ActivationParameters, DiodeParameters
from circuits.circuit import CircuitParameters
from circuits.network import Network
from circuits.noise import NoiseParameters, NoiseString
from circuits.opamp import OpAmpParameters
from circuits.smtj import SmtjParameters, Telegraph
from circuits.synapse import ResistorPairs, SynapseParameters

__all__ = [
    "ActivationParameters",
    "CircuitParameters",
    "DiodeParameters",
    "Network",
    "NoiseParameters",
    "NoiseString",
    "OpAmpParameters",
    "ResistorPairs",
    "SmtjParameters",
    "SynapseParameters",
    "Telegraph",
]
