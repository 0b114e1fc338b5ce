"""What a report says of a run, as plain values: read from `sim.results.Run`, drawn elsewhere."""
