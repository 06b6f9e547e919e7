"""Semantic versions."""
import functools
import re

_PATTERN = re.compile(
    r"(?P<major>0|[1-9]\d*)(?:\.(?P<minor>0|[1-9]\d*))?(?:\.(?P<patch>0|[1-9]\d*))?"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
    r"(?:\+(?P<build>[0-9A-Za-z.-]+))?"
)


class InvalidVersion(ValueError):
    """Text that is not a semantic version."""


@functools.total_ordering
class Version:
    """A version with the precedence of Semantic Versioning 2.0.0."""

    __slots__ = ("release", "pre", "build")

    def __init__(self, major, minor=0, patch=0, pre=(), build=""):
        self.release = (major, minor, patch)
        self.pre = tuple(pre)
        self.build = build

    @classmethod
    def parse(cls, text):
        """Read a version. Missing minor and patch numbers are zero."""
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise InvalidVersion(f"not a version: {text!r}")
        numbers = [int(match[name] or 0) for name in ("major", "minor", "patch")]
        pre = match["pre"].split(".") if match["pre"] else ()
        return cls(*numbers, pre=pre, build=match["build"] or "")

    @property
    def is_prerelease(self):
        """Say whether the version has a pre-release part."""
        return bool(self.pre)

    def bump(self, part):
        """Return the next major or minor version without a pre-release."""
        major, minor, _ = self.release
        return Version(major + 1) if part == "major" else Version(major, minor + 1)

    def _key(self):
        # A version without a pre-release comes after all of its pre-releases.
        return self.release, not self.pre, self.pre

    def __eq__(self, other):
        if not isinstance(other, Version):
            return NotImplemented
        return self._key() == other._key()

    def __lt__(self, other):
        if not isinstance(other, Version):
            return NotImplemented
        return self._key() < other._key()

    def __hash__(self):
        return hash(self._key())

    def __str__(self):
        text = ".".join(map(str, self.release))
        if self.pre:
            text += "-" + ".".join(self.pre)
        return f"{text}+{self.build}" if self.build else text

    def __repr__(self):
        return f"Version({str(self)!r})"
