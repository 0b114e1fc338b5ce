"""Values of elements as numbers: arithmetic over the parameters in scope, as decks write it."""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from netlists.elements import Parameter, Value

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_UNARY: dict[type[ast.unaryop], Callable[[float], float]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def evaluate(value: Value, names: Mapping[str, float]) -> float:
    """A value as a number.

    Args:
        value: a number, or an expression of numbers, names, `+ - * /` and parentheses.
        names: value by name, names in lower case: SPICE is case-blind.

    Raises:
        ValueError: an unknown name, something that is no such arithmetic, or no result.
    """
    if not isinstance(value, str):
        return float(value)
    try:
        return _walk(_parsed(value), names)
    except SyntaxError:
        raise ValueError(f"{value!r} is no arithmetic") from None
    except (ZeroDivisionError, OverflowError, RecursionError) as error:
        raise ValueError(f"{value!r} has no value: {error}") from None


def evaluate_all(
    parameters: Iterable[Parameter],
) -> tuple[dict[str, float], dict[str, str]]:
    """A deck's parameters, which may refer to one another in any order.

    Returns:
        Value by name, in lower case, and for each that has none the reason.
    """
    waiting = {p.name.lower(): p for p in parameters}
    values: dict[str, float] = {}
    while waiting:
        reasons: dict[str, str] = {}
        for name, parameter in waiting.items():
            try:
                values[name] = evaluate(parameter.value, values)
            except ValueError as error:
                reasons[name] = str(error)
        if len(reasons) == len(waiting):
            return values, {waiting[name].name: reason for name, reason in reasons.items()}
        waiting = {name: waiting[name] for name in reasons}
    return values, {}


@lru_cache(maxsize=4096)
def _parsed(expression: str) -> ast.expr:
    return ast.parse(expression.strip(), mode="eval").body


def _walk(node: ast.expr, names: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.Name(id=name):
            if name.lower() not in names:
                raise ValueError(f"there is no parameter {name}")
            return names[name.lower()]
        case ast.BinOp(left, op, right) if type(op) in _BINARY:
            return _BINARY[type(op)](_walk(left, names), _walk(right, names))
        case ast.UnaryOp(op, operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_walk(operand, names))
    raise ValueError(f"{ast.unparse(node)!r} is no arithmetic")
