"""Schematics drawn from a deck: `circuit` reads it, `sheet` records, `paint` draws."""
