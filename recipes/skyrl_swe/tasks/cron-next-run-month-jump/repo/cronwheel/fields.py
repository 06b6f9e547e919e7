"""The five cron fields: their ranges, their names, and how to parse them."""

from dataclasses import dataclass, field


class CronError(ValueError):
    """Raised for an expression that cannot be parsed."""


def _names(words, start):
    return {word: number for number, word in enumerate(words.split(), start)}


@dataclass(frozen=True)
class FieldSpec:
    """One position of the expression."""

    label: str
    low: int
    high: int
    names: dict = field(default_factory=dict)

    def number(self, text):
        """Read a single value, either digits or a three-letter name."""
        value = self.names.get(text.lower())
        if value is None:
            if not text.isdigit():
                raise CronError(f"{self.label}: cannot read {text!r}")
            value = int(text)
        if not self.low <= value <= self.high:
            raise CronError(f"{self.label}: {value} is not in {self.low}-{self.high}")
        return value

    def parse(self, text):
        """Return the frozenset of values that the text stands for."""
        values = set()
        for part in text.split(","):
            values.update(self._part(part))
        return frozenset(values)

    def _part(self, part):
        body, slash, step_text = part.partition("/")
        if slash and (not step_text.isdigit() or int(step_text) == 0):
            raise CronError(f"{self.label}: bad step in {part!r}")
        step = int(step_text) if slash else 1
        if body == "*":
            first, last = self.low, self.high
        elif "-" in body:
            first, last = (self.number(end) for end in body.split("-", 1))
            if first > last:
                raise CronError(f"{self.label}: range {body!r} runs backwards")
        else:
            first = self.number(body)
            last = self.high if slash else first
        return range(first, last + 1, step)


MINUTE = FieldSpec("minute", 0, 59)
HOUR = FieldSpec("hour", 0, 23)
DAY = FieldSpec("day of month", 1, 31)
MONTH = FieldSpec(
    "month", 1, 12, _names("jan feb mar apr may jun jul aug sep oct nov dec", 1)
)
WEEKDAY = FieldSpec("day of week", 0, 7, _names("sun mon tue wed thu fri sat", 0))
