"""Whom to blame: a finished run's deviation from mathematics, mechanism by mechanism."""
