"""What a pass costs: this project against other ways to run the same circuit in ngspice."""
