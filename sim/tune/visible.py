"""What mathematics can see of a configuration, so that a twin can be tuned in the circuit's place.

The twin has the task, the rule, the noise and the rectifier's measured curve. Of the op-amps it
knows no more than what they leave in that curve, of the weights no resistors, and of a pass no
course in time: apertures, bandwidths and mismatch make no difference to it.
"""

from collections.abc import Sequence

_SECTIONS = ("task.", "learning.", "circuit.noise.", "circuit.smtj.", "circuit.activation.")
_SINGLE = (
    "circuit.synapse.r_feedback",  # scales the noise of a string
    "circuit.temperature",  # of junctions and diodes
    "circuit.v_dd",  # ends of the curve
    "circuit.v_ss",
    "simulation.t_pass",  # how alike the noise of two passes is
    "simulation.noise_off",
    "simulation.evaluation_noise",
)
_SHAPING = (
    "circuit.activation.",
    "circuit.synapse.r_feedback",
    "circuit.temperature",
    "circuit.v_",
)


def unseen(paths: Sequence[str]) -> tuple[str, ...]:
    """Those parameters that make no difference to the calibrated twin.

    Args:
        paths: in full.
    """
    return tuple(path for path in paths if not path.startswith(_SECTIONS) and path not in _SINGLE)


def shaping(paths: Sequence[str]) -> tuple[str, ...]:
    """Those parameters, of the ones that are seen, that the rectifier's curve depends on."""
    return tuple(path for path in paths if path.startswith(_SHAPING))
