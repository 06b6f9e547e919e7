"""stencil: a very small template engine."""

from .lexer import TemplateError
from .template import Template

__all__ = ["Template", "TemplateError"]
