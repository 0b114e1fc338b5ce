"""Sections of the page of a sweep, in the order of the page."""
