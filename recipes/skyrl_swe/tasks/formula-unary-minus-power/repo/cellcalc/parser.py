"""Precedence climbing parser.

Every binary operator has a left and a right binding power. An operator is taken
into the current expression while its left power is at least the required one;
its right operand is then parsed with the right power.
"""

from .lexer import FormulaError, tokenize
from .nodes import Binary, Call, Number, Unary, Variable

BINARY_POWER = {
    "<": (5, 6), "<=": (5, 6), ">": (5, 6), ">=": (5, 6), "==": (5, 6), "!=": (5, 6),
    "+": (10, 11), "-": (10, 11),
    "*": (20, 21), "/": (20, 21), "%": (20, 21),
    "^": (40, 39),
}
SIGN_POWER = 50


class _Parser:
    def __init__(self, text):
        self.tokens = tokenize(text)
        self.index = 0

    @property
    def current(self):
        return self.tokens[self.index]

    def advance(self):
        token = self.current
        self.index += 1
        return token

    def expect(self, text):
        if self.current.text != text:
            found = self.current.text or "the end"
            raise FormulaError(f"expected {text!r}, found {found}", self.current.position)
        return self.advance()

    def expression(self, required=0):
        left = self.operand()
        while self.current.kind == "op" and self.current.text in BINARY_POWER:
            left_power, right_power = BINARY_POWER[self.current.text]
            if left_power < required:
                break
            operator = self.advance().text
            left = Binary(operator, left, self.expression(right_power))
        return left

    def operand(self):
        token = self.current
        if token.kind == "number":
            return Number(float(self.advance().text))
        if token.kind == "name":
            self.advance()
            return self.call(token.text) if self.current.text == "(" else Variable(token.text)
        if token.text in ("-", "+") and token.kind == "op":
            self.advance()
            return Unary(token.text, self.expression(SIGN_POWER))
        if token.text == "(":
            self.advance()
            inner = self.expression()
            self.expect(")")
            return inner
        raise FormulaError(f"expected a value, found {token.text or 'the end'}", token.position)

    def call(self, name):
        self.expect("(")
        arguments = [self.expression()]
        while self.current.text == ",":
            self.advance()
            arguments.append(self.expression())
        self.expect(")")
        return Call(name, tuple(arguments))


def parse(text):
    """Parse ``text`` into a tree, or raise FormulaError."""
    parser = _Parser(text)
    tree = parser.expression()
    if parser.current.kind != "end":
        raise FormulaError(f"unexpected {parser.current.text!r}", parser.current.position)
    return tree
