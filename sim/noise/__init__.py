"""Looking at noise: any source, recording or simulated node, measured as one would on a bench."""
