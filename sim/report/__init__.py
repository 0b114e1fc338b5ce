"""The report of runs: a page for a browser, in one file that needs nothing from outside."""
