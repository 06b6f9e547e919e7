"""Ignore files and the way several of them work together."""

from .rules import Rule


class IgnoreFile:
    """The rules of one ignore file, valid below one folder."""

    def __init__(self, rules, folder=""):
        self.rules = list(rules)
        self.prefix = folder.strip("/") + "/" if folder.strip("/") else ""

    @classmethod
    def from_text(cls, text, folder=""):
        parsed = (Rule.parse(line) for line in text.splitlines())
        return cls([rule for rule in parsed if rule is not None], folder)

    def verdict(self, path, is_dir):
        """True: ignored. False: excepted. None: no rule of this file applies."""
        if not path.startswith(self.prefix):
            return None
        relative = path[len(self.prefix):]
        for rule in reversed(self.rules):
            if rule.matches(relative, is_dir):
                return not rule.negated
        return None


class IgnoreSet:
    """Ignore files from the root of the tree downwards; deeper ones win."""

    def __init__(self, files):
        self.files = sorted(files, key=lambda file: file.prefix.count("/"))

    def is_ignored(self, path):
        """Tell whether a path, or any folder above it, is ignored."""
        is_dir = path.endswith("/")
        segments = path.strip("/").split("/")
        for count in range(1, len(segments) + 1):
            part_is_dir = is_dir or count < len(segments)
            if self._verdict("/".join(segments[:count]), part_is_dir):
                return True
        return False

    def _verdict(self, path, is_dir):
        for file in reversed(self.files):
            verdict = file.verdict(path, is_dir)
            if verdict is not None:
                return verdict
        return False
