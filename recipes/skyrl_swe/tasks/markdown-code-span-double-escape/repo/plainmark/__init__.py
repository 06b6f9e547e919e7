"""plainmark: a safe subset of Markdown to HTML."""

from .render import to_html

__all__ = ["to_html"]
