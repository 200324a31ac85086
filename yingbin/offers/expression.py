"""Rule conditions: the only user of the `rule-engine` library, narrowed to what a business person can be held to.

A condition may compare facts with numbers, do arithmetic, and join with `and`, `or`, `not`. Functions, clock built-ins,
text and look-ups are refused when the catalogue is loaded, as are unknown facts and mismatched types.
"""

import re
from collections.abc import Mapping

import rule_engine
from rule_engine import DataType, ast
from rule_engine.errors import ArithmeticError as RuleArithmeticError
from rule_engine.errors import EngineError, RuleSyntaxError, SymbolResolutionError

from yingbin.errors import InvalidInput

Fact = bool | int | float


class BadExpression(InvalidInput):
    """A condition cannot be used; the message says why. `position`: the character it is about, where that is known."""

    code = "bad_expression"

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class Condition:
    """A parsed condition over named facts. `types` maps every allowed fact to `bool`, `int` or `float`."""

    def __init__(self, text: str, types: Mapping[str, type[Fact]]) -> None:
        kinds = {name: DataType.BOOLEAN if kind is bool else DataType.FLOAT for name, kind in types.items()}
        context = rule_engine.Context(
            type_resolver=rule_engine.type_resolver_from_dict(kinds), mapping_attribute_lookup=False
        )
        try:
            self._rule = rule_engine.Rule(text, context=context)
        except EngineError as error:
            hint = getattr(error, "suggestion", None)
            told = error.message + (f"; did you mean {hint!r}?" if hint else "")
            raise BadExpression(told, _position(error, text)) from error
        except RecursionError as error:
            raise BadExpression("nested too deeply") from error
        if _kind(self._rule.statement.expression) is not DataType.BOOLEAN:
            raise BadExpression("must be true or false, not a number")
        self.text = text
        self.facts = frozenset[str](context.symbols)
        """The facts it looks at."""

    def holds(self, facts: Mapping[str, Fact]) -> bool:
        """Return whether the condition is true of `facts`; a division by zero makes it false."""
        try:
            return bool(self._rule.matches(facts))
        except (RuleArithmeticError, ArithmeticError):
            return False


def _position(error: EngineError, text: str) -> int | None:
    """Return where in `text` an error is: at a token, at an unknown name, or at the end when something is missing."""
    if isinstance(error, RuleSyntaxError):
        return len(text) if error.token is None else int(error.token.lexpos)
    if isinstance(error, SymbolResolutionError):
        found = re.search(rf"(?<!\w){re.escape(error.symbol_name)}(?!\w)", text)
        return found.start() if found else None
    return None


def _kind(node: object) -> object:
    """Return BOOLEAN or FLOAT, checking the whole tree. Raises `BadExpression`."""
    match node:
        case ast.BooleanExpression():
            return DataType.BOOLEAN
        case ast.FloatExpression():
            return DataType.FLOAT
        case ast.SymbolExpression(scope=None):
            return node.result_type
        case ast.LogicExpression():
            return _both(node, DataType.BOOLEAN, DataType.BOOLEAN)
        case ast.ArithmeticComparisonExpression():
            return _both(node, DataType.FLOAT, DataType.BOOLEAN)
        case ast.AddExpression() | ast.SubtractExpression() | ast.ArithmeticExpression():
            return _both(node, DataType.FLOAT, DataType.FLOAT)
        case ast.UnaryExpression(type="not"):
            _require(node.right, DataType.BOOLEAN)
            return DataType.BOOLEAN
        case ast.UnaryExpression(type="uminus"):
            _require(node.right, DataType.FLOAT)
            return DataType.FLOAT
        case ast.ComparisonExpression() if type(node) is ast.ComparisonExpression:
            return _both(node, _kind(node.left), DataType.BOOLEAN)
    raise BadExpression("only facts, numbers, true/false, + - * /, comparisons, and, or, not are allowed")


def _both(node: ast.BinaryExpressionBase, wanted: object, result: object) -> object:
    _require(node.left, wanted)
    _require(node.right, wanted)
    return result


def _require(node: object, wanted: object) -> None:
    if _kind(node) is not wanted:
        raise BadExpression("data type mismatch: true/false and numbers must not be mixed")
