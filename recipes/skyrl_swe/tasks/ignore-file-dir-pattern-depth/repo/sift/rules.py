"""One line of an ignore file."""

from dataclasses import dataclass

from .glob import compile_glob


@dataclass(frozen=True)
class Rule:
    """A parsed pattern together with its flags."""

    source: str
    glob: str
    negated: bool = False
    anchored: bool = False
    dir_only: bool = False

    @classmethod
    def parse(cls, line):
        """Parse one line; return None for comments and empty lines."""
        text = line.rstrip("\r\n").rstrip(" ")
        if not text or text.startswith("#"):
            return None
        negated = text.startswith("!")
        if negated:
            text = text[1:]
        elif text.startswith(("\\#", "\\!")):
            text = text[1:]
        anchored = "/" in text
        dir_only = text.endswith("/")
        glob = text.strip("/")
        if not glob:
            return None
        return cls(line.strip(), glob, negated, anchored, dir_only)

    def matches(self, path, is_dir):
        """Tell whether the rule applies to a path relative to its file."""
        if self.dir_only and not is_dir:
            return False
        if not self.anchored:
            path = path.rpartition("/")[2]
        return compile_glob(self.glob).match(path) is not None
