"""Nodes of a deck: of which kind each is, and those that a user means."""

import difflib
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from circuits import Network, NoiseParameters
from netlists.build import control_names, input_names, noise_trace_names, probe_names
from netlists.deck import Deck
from netlists.graph import GROUND, flatten
from sim.errors import UserError
from sim.waves.waves import Kind

_NEAREST = 4  # names that an error suggests, at most
_GLOB = re.compile(r"[*?\[]")
_VOLTAGE = re.compile(r"v\((.*)\)")


def usual_nodes(network: Network, noise: NoiseParameters) -> dict[str, Kind]:
    """Kind of every node that one looks at first: inputs, noise, pre-activations and outputs."""
    kinds: dict[str, Kind] = dict.fromkeys(input_names(network), "input")
    if noise.source == "string":
        kinds |= dict.fromkeys(control_names(network, noise), "state")
    kinds |= dict.fromkeys(noise_trace_names(network, noise), "noise")
    for name in probe_names(network):
        kinds[name] = "pre" if name.startswith("a") else "output"
    return kinds


def short_name(node: str) -> str:
    """A noise source inside a layer as figures have it: `z1_2` for `xlayer1.z2`."""
    found = re.fullmatch(r"xlayer(\d+)\.z(\d+)", node)
    return f"z{found[1]}_{found[2]}" if found else node


def choose(asked: Sequence[str], deck: Deck, usual: Sequence[str]) -> tuple[str, ...]:
    """The nodes of a deck that names and patterns stand for, each once.

    Args:
        asked: names as in the deck (`a2_1`, `xlayer1.xn2.op`), with or without `v(…)`, in either
            case; `z1_2` for a noise source inside a layer; or patterns with `*`, `?` and `[…]`.
        deck: whose nodes.
        usual: nodes to suggest first.

    Raises:
        UserError: a name or pattern stands for none; suggests near ones.
    """
    known = [str(node) for node in flatten(deck).graph() if node != GROUND]
    names = {node: node for node in known} | {short_name(node): node for node in known}
    chosen: list[str] = []
    for given in asked:
        wanted = given.strip().lower()
        if inner := _VOLTAGE.fullmatch(wanted):
            wanted = inner[1]
        if _GLOB.search(wanted):
            found = [node for name, node in names.items() if fnmatchcase(name, wanted)]
        else:
            found = [names[wanted]] if wanted in names else []
        if not found:
            raise UserError(_unknown(given, wanted, [*map(short_name, usual), *names]))
        chosen += found
    return tuple(dict.fromkeys(chosen))


def _unknown(given: str, wanted: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(wanted, dict.fromkeys(names), _NEAREST, cutoff=0.5)
    what = "pattern that fits no node" if _GLOB.search(wanted) else "node that is not there"
    advice = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(names[:6])}, …"
    return f"--node {given}: a {what}; {advice}"
