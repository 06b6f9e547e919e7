"""Conditions on versions."""
import operator
import re

from .version import Version

_CONDITION = re.compile(r"(?P<sign>\^|~|>=|<=|==|!=|>|<)?\s*(?P<version>\S+)")
_OPERATORS = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq,
    "!=": operator.ne, ">": operator.gt, "<": operator.lt,
}


class Requirement:
    """A list of conditions that all have to hold."""

    def __init__(self, text="*"):
        self.text = text.strip()
        self.conditions = []
        self.allows_prereleases = False
        if self.text != "*":
            for part in self.text.split(","):
                self._add(part.strip())

    def _add(self, part):
        match = _CONDITION.fullmatch(part)
        if match is None:
            raise ValueError(f"cannot read the condition {part!r}")
        sign = match["sign"] or "=="
        version = Version.parse(match["version"])
        self.allows_prereleases |= version.is_prerelease
        if sign in "^~":
            upper = version.bump("major" if sign == "^" else "minor")
            self.conditions.append((">=", version))
            self.conditions.append(("<", upper))
        else:
            self.conditions.append((sign, version))

    def allows(self, version):
        """Say whether a version meets all conditions."""
        if version.is_prerelease and not self.allows_prereleases:
            return False
        return all(_OPERATORS[sign](version, bound) for sign, bound in self.conditions)

    def __repr__(self):
        return f"Requirement({self.text!r})"
