"""The failure that a user can mend."""


class UserError(Exception):
    """What the user gave does not fit: a line that says where, what, got and wanted.

    Where several things do not fit, each is an argument of its own.
    """

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))
