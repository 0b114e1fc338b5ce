"""Waveforms: passes simulated again, and files that viewers and Python open."""
