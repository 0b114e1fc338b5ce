"""One suite for all engines: the same circuits and passes, and how far their voltages are apart."""
