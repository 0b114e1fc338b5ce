"""`danp-cosim schematic`: the circuit drawn from its deck."""
