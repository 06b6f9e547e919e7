"""PromQL over registered metrics, called by their names without ``thunderagent_``. An unknown name is a ``KeyError``."""

from __future__ import annotations

from thunderagent.adapters.gateway.manage.metrics import FAMILIES, Kind
from thunderagent.adapters.gateway.manage.metrics.family import PREFIX

CHOSEN = '{job=~"$job",instance=~"$instance"}'
"""The gateways that were chosen at the top of the dashboard."""
INTERVAL = "[$__rate_interval]"
"""Grafana makes it long enough for the distance of scrapes."""
_KINDS = {family.name.removeprefix(PREFIX): family for family in FAMILIES}


def now(name: str, by: str = "", *, of: str = "sum") -> str:
    """A gauge, of all gateways together; ``by``: apart by this label; ``of``: how several are one."""
    return f"{of}{_by(by)}({_chosen(name, Kind.GAUGE)})"


def rate(name: str, by: str = "") -> str:
    """What a counter grows by in a second."""
    return f"sum{_by(by)}(rate({_chosen(name, Kind.COUNTER, '_total')}{INTERVAL}))"


def quantile(share: float, name: str) -> str:
    """Of a histogram, over the last moments."""
    return f"histogram_quantile({share:g}, {buckets(name)})"


def buckets(name: str) -> str:
    """A histogram's new values by bucket, for a heatmap."""
    return f"sum by (le)(rate({_chosen(name, Kind.HISTOGRAM, '_bucket')}{INTERVAL}))"


def spent(name: str) -> str:
    """What the sum of a histogram grows by in a second."""
    return f"sum(rate({_chosen(name, Kind.HISTOGRAM, '_sum')}{INTERVAL}))"


def mean(name: str) -> str:
    """Of a histogram's new values."""
    return share(spent(name), f"sum(rate({_chosen(name, Kind.HISTOGRAM, '_count')}{INTERVAL}))")


def share(part: str, whole: str) -> str:
    """A gap where there is nothing to have a share of."""
    return f"{part} / ({whole} > 0)"


def _chosen(name: str, kind: Kind, suffix: str = "") -> str:
    family = _KINDS[name]
    assert family.kind is kind, f"{name} is a {family.kind}"
    return f"{family.name}{suffix}{CHOSEN}"


def _by(label: str) -> str:
    return f" by ({label})" if label else ""
