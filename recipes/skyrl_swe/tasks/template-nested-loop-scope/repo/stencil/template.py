"""Nodes, the parser and the Template class."""

import re

from .context import Context
from .expressions import evaluate
from .lexer import TemplateError, tokenize

_FOR = re.compile(r"for\s+(?P<name>\w+)\s+in\s+(?P<items>.+)\Z", re.DOTALL)
_SET = re.compile(r"set\s+(?P<name>\w+)\s*=\s*(?P<value>.+)\Z", re.DOTALL)


class Text:
    def __init__(self, text):
        self.text = text

    def render(self, context, out):
        out.append(self.text)


class Value(Text):
    def render(self, context, out):
        out.append(str(evaluate(self.text, context)))


class Set:
    def __init__(self, name, value):
        self.name, self.value = name, value

    def render(self, context, out):
        context.assign(self.name, evaluate(self.value, context))


class If:
    def __init__(self, test, body, other):
        self.test, self.body, self.other = test, body, other

    def render(self, context, out):
        for node in self.body if evaluate(self.test, context) else self.other:
            node.render(context, out)


class For:
    def __init__(self, name, items, body):
        self.name, self.items, self.body = name, items, body

    def render(self, context, out):
        items = list(evaluate(self.items, context))
        with context.scope():
            for index, item in enumerate(items, 1):
                context.assign(self.name, item)
                context.assign("loop", {
                    "index": index, "first": index == 1,
                    "last": index == len(items), "length": len(items),
                })
                for node in self.body:
                    node.render(context, out)


class Template:
    """A compiled template."""

    def __init__(self, source):
        self._tokens = tokenize(source)
        self._body, _ = self._parse(())

    def render(self, **values):
        context, out = Context(values), []
        for node in self._body:
            node.render(context, out)
        return "".join(out)

    def _parse(self, ends):
        """Parse nodes up to one of the end tags; return them and that tag."""
        nodes = []
        for token in self._tokens:
            if token.kind != "tag":
                nodes.append((Text if token.kind == "text" else Value)(token.text))
            elif token.text in ends:
                return nodes, token.text
            else:
                nodes.append(self._tag(token))
        if ends:
            raise TemplateError(f"missing {ends[-1]}")
        return nodes, None

    def _tag(self, token):
        if match := _FOR.match(token.text):
            body, _ = self._parse(("endfor",))
            return For(match["name"], match["items"], body)
        if match := _SET.match(token.text):
            return Set(match["name"], match["value"])
        if token.text.startswith("if "):
            body, end = self._parse(("else", "endif"))
            other = self._parse(("endif",))[0] if end == "else" else []
            return If(token.text[3:], body, other)
        raise TemplateError(f"line {token.line}: unknown tag {token.text!r}")
