"""Wanted series are read as the official parser reads them; what is wrong is told, what is not wanted is not looked at."""

from __future__ import annotations

import contextlib
import math
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.adapters.engines.fake_http import recorded
from thunderagent.adapters.engines.prometheus import Sample, problem, samples

NAMES = ("vllm:usage", "vllm:usage_total", "vllm:use", "up")
VALUES = st.sampled_from(["1", "0.0", "3.2e-05", "1.79567881148e+09", "NaN", "+Inf", "-Inf", "-4", "1e300", "inf"])
LABEL = st.text(st.characters(codec="utf-8", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=8)


def official(page: str, name: str) -> list[Sample]:
    """The same by prometheus_client."""
    families = text_string_to_metric_families(page)
    return [Sample(sample.labels, float(sample.value)) for family in families for sample in family.samples if sample.name == name]


def same(ours: list[Sample], theirs: list[Sample]) -> bool:
    """NaN equals NaN here."""
    return len(ours) == len(theirs) and all(
        dict(a.labels) == dict(b.labels) and (a.value == b.value or (math.isnan(a.value) and math.isnan(b.value)))
        for a, b in zip(ours, theirs, strict=True)
    )


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


@st.composite
def series(draw: st.DrawFn, name: str) -> str:
    """All lines of one name, as exporters and people write them."""
    lines = [f"# HELP {name} {draw(st.sampled_from(['Its help.', 'up 3', name + ' 7']))}", f"# TYPE {name} untyped"]
    lines = lines if draw(st.booleans()) else []
    for _ in range(draw(st.integers(0, 4))):
        labels = draw(st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=5), LABEL, max_size=3))
        told = draw(st.sampled_from([",", ", "])).join(f'{key}="{escaped(value)}"' for key, value in labels.items())
        comma = "," if told and draw(st.booleans()) else ""
        braces = f"{{{told}{comma}}}" if told or draw(st.booleans()) else ""
        time = draw(st.sampled_from(["", " 1395066363000", "\t1395066363000"]))
        blank = " " if "\t" not in time else "\t"
        lines.append(f"{name}{braces}{blank}{draw(VALUES)}{time}")
    return "".join(line + "\n" for line in lines)


@st.composite
def pages(draw: st.DrawFn) -> str:
    """Series in any order, some of them missing."""
    names = draw(st.permutations(NAMES))
    return "".join(draw(series(name)) for name in names if draw(st.booleans()))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(pages(), st.permutations(NAMES))
def test_every_page_is_read_as_the_official_parser_reads_it(page: str, names: list[str]) -> None:
    found = samples(page.encode(), names)
    assert set(found) == set(names)
    assert all(same(found[name], official(page, name)) for name in names)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(pages(), st.permutations(NAMES))
def test_the_order_that_was_found_finds_the_same_again(page: str, names: list[str]) -> None:
    found = samples(page.encode(), names)
    again = samples(page.encode(), found)
    assert list(again) == list(found)
    assert all(same(again[name], found[name]) for name in names)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(pages(), st.integers(0, 400))
def test_half_a_page_is_either_told_or_right_as_far_as_it_goes(page: str, end: int) -> None:
    cut = page[:end].encode()
    try:
        found = samples(cut, NAMES)
    except ValueError as error:
        assert str(error).endswith(("breaks off", "is broken"))
    else:
        whole = samples(page.encode(), NAMES)
        assert all(same(found[name], whole[name][: len(found[name])]) for name in NAMES)


@given(st.binary())
def test_no_page_is_too_odd_to_be_judged(page: bytes) -> None:
    problem(page)
    with contextlib.suppress(ValueError):
        samples(page, NAMES)


def test_what_the_official_exporter_writes_is_read() -> None:
    registry = CollectorRegistry()
    gauge = Gauge("vllm:kv", "Usage.", ["engine", "model"], registry=registry)
    gauge.labels("0", 'a "b"\\\nc').set(3.2e-05)
    gauge.labels("1", "m}").set(math.inf)
    Counter("vllm:hits", "Hits.", registry=registry).inc(7)
    Histogram("vllm:time", "Time.", registry=registry).observe(1)
    found = samples(generate_latest(registry), ["vllm:kv", "vllm:hits_total", "vllm:time_count", "vllm:none"])
    assert found["vllm:kv"] == [
        Sample({"engine": "0", "model": 'a "b"\\\nc'}, 3.2e-05),
        Sample({"engine": "1", "model": "m}"}, math.inf),
    ]
    assert found["vllm:hits_total"] == [Sample({}, 7.0)]
    assert found["vllm:time_count"] == [Sample({}, 1.0)]
    assert found["vllm:none"] == []


@pytest.mark.parametrize("name", ["vllm_0_32.txt", "vllm_0_32_filtered.txt", "vllm_0_32_two_ranks.txt", "sglang_0_5_23.txt"])
def test_pages_of_real_engines_are_read_as_the_official_parser_reads_them(name: str) -> None:
    page = recorded(name)
    assert problem(page) is None
    families = [family for family in text_string_to_metric_families(page.decode()) if family.type != "histogram"]
    names = {sample.name for family in families for sample in family.samples}
    assert len(names) >= 8
    for series_name in names:
        assert same(samples(page, [series_name])[series_name], official(page.decode(), series_name))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("up", "up breaks off"),
        ("up 1", "up 1 breaks off"),
        ('up{a="1} 2\n', 'up{a="1} 2 is broken'),
        ('up{a="1"\n', 'up{a="1" is broken'),
        ('up{a="1",a="2"} 1\n', 'up{a="1",a="2"} 1 is broken'),
        ('up{1a="1"} 1\n', 'up{1a="1"} 1 is broken'),
        ("up 1_0\n", "up 1_0 is broken"),
        ("up {} 0x1\n", "up {} 0x1 is broken"),
        ("up much\n", "up much is broken"),
        ("up \n", "up  is broken"),
    ],
)
def test_a_broken_line_of_a_wanted_series_is_told(line: str, told: str) -> None:
    if line == "up":
        assert samples(line.encode(), ["up"]) == {"up": []}, "who knows what name that was to become"
        return
    with pytest.raises(ValueError, match=r".") as caught:
        samples(b"down 1\n" + line.encode(), ["up"])
    assert str(caught.value) == told


def test_a_long_broken_line_is_shown_by_its_ends() -> None:
    with pytest.raises(ValueError, match=r"^up\{a=\"x+\.\.\.x+\"\} many is broken$"):
        samples(b'up{a="' + b"x" * 500 + b'"} many\n', ["up"])


def test_broken_lines_that_are_not_wanted_stop_nothing() -> None:
    assert samples(b"down{{{ \n\x00\xff\nup 1\nupwards ?\n", ["up"]) == {"up": [Sample({}, 1.0)]}


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"<!doctype html><html></html>\n", "is HTML"),
        (b'{"detail":"Not Found"}', "is JSON"),
        (b"[1]", "is JSON"),
        (b"\x00\xff garbage {{{\n", "is no Prometheus text"),
        (b"ok\n", "is no Prometheus text"),
        (b"# HELP up Up.\nup 1", "breaks off"),
        (b"# HELP up Up.\nup{a=\n", "breaks off"),
        (b"up 1\n", None),
        (b"# HELP up Up.\n", None),
        (b'up{a="1"} 1.5e3 1395066363000\n\n', None),
    ],
)
def test_what_is_no_whole_page_is_told(page: bytes, told: str | None) -> None:
    assert problem(page) == told
