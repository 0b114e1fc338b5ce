"""What a data sheet would state of the cells, measured in ngspice."""
