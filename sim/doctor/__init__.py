"""Says whether this machine has what a run needs, and how to mend what it lacks.

Standard library only, down to the child processes: it works where a package is broken.
"""
