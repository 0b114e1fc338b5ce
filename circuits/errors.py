"""The failure that a user can mend."""


class UserError(Exception):
    """What the user gave does not fit: one line that says where, what, got and wanted."""
