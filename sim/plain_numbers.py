"""Labels of logarithmic axes that are read as they are said."""

from matplotlib.ticker import LogFormatter


class PlainNumbers(LogFormatter):
    """Labels of a logarithmic axis: 0.28 rather than 2.8×10⁻¹."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The number, where there is room for a label."""
        return f"{x:g}" if super().__call__(x, pos) else ""
