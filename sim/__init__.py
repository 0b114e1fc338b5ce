"""Solve, measure, drive: engines, co-simulation, and the commands."""
