"""From what was measured to figures with goals."""

from __future__ import annotations

import re

from benchmarks.gateway.measure import BODIES, DIRECT, Cells
from benchmarks.gateway.processes import GATEWAY
from benchmarks.report import Figure

NGINX, SGLANG, VLLM = "nginx", "sglang-router", "vllm-router"
PUBLIC_OVER_NGINX = {"small": 3_420 / 25, "200kb": 7_500 / 160, "streaming": 164 / 18}
"""The public ThunderAgent's CPU time (commit a7eef77, mode tr, with metrics), as a multiple of nginx's in the same run, on the
same kind of load: us per request with 328 B and 199 kB, us per chunk of 64 streams with one chunk per 20 ms. nginx, which
every run measures, carries it over to other machines."""
GOALS: dict[str, dict[str, float]] = {
    "small: CPU per request": {"public": 1 / 20, SGLANG: 1.5},
    "200kb: CPU per request": {"public": 1 / 15, SGLANG: 0.35, VLLM: 0.6},
    "streaming: CPU per chunk": {"public": 1 / 4, SGLANG: 1.4},
    "small: added latency, p50": {SGLANG: 1.0},
    "200kb: added latency, p50": {VLLM: 0.5},
    "2mb: added latency, p50": {VLLM: 0.5},
}
"""At most so many times another one's."""
NAMES = {
    **{f"{body}: CPU per request": f"{body}_cpu_us" for body in BODIES},
    **{f"{body}: added latency, p50": f"{body}_latency_p50_ms" for body in BODIES},
    **{f"{body}: added latency, p99": f"{body}_latency_p99_ms" for body in BODIES},
    "streaming: CPU per chunk": "chunk_cpu_us",
    "first chunk: added latency, p50": "first_chunk_latency_p50_ms",
}
"""Of the gateway's own figures; those of ratios begin the same way."""


def of_cells(cells: Cells) -> dict[str, Figure]:
    """The gateway's medians, and its ratios to each peer that was measured."""
    figures: dict[str, Figure] = {}
    units = {(cell.what, cell.target): cell.unit for cell in cells.all()}
    targets = dict.fromkeys(cell.target for cell in cells.all())
    for what, name in NAMES.items():
        ours = cells.median(what, GATEWAY)
        if ours is None:
            continue
        figures[name] = Figure(ours, units[what, GATEWAY])
        goals = GOALS.get(what, {})
        for other in targets:
            ratio = cells.ratio(what, GATEWAY, other) if other not in (GATEWAY, DIRECT) else None
            if ratio is not None:
                figures[f"{_stem(name)}_over_{_identifier(other)}"] = Figure(ratio, "x", at_most=goals.get(other))
        over_nginx = cells.ratio(what, GATEWAY, NGINX)
        if over_nginx is not None and "public" in goals:
            ratio = over_nginx / PUBLIC_OVER_NGINX[what.partition(":")[0]]
            figures[f"{_stem(name)}_over_public_thunderagent"] = Figure(ratio, "x", at_most=goals["public"])
    return figures


def _stem(name: str) -> str:
    """Without its unit, which a ratio does not have."""
    return re.sub("_(us|ms)$", "", name)


def _identifier(name: str) -> str:
    return re.sub(r"\W+", "_", name)
