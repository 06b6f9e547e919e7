"""``/dashboard``: files that are open to all, complete, and ask nothing of any other host."""

from __future__ import annotations

import re

from thunderagent.adapters.gateway.manage import dashboard

from .support import WITH_KEYS, Gateway, run


def test_the_page_is_open_even_where_keys_are_needed_and_its_data_is_not() -> None:
    async def scenario() -> None:
        gateway = Gateway(settings=WITH_KEYS)
        assert (await gateway.get("/dashboard")).status == 200
        assert (await gateway.get("/live.json")).status == 401

    run(scenario)


def test_all_that_the_page_names_is_there_with_its_type() -> None:
    """Files in the page, modules in modules; and nothing is there that none of them names."""

    async def scenario() -> None:
        gateway, open_ones, seen = Gateway(), ["index.html"], set[str]()
        while open_ones:
            name = open_ones.pop()
            seen.add(name)
            answer = await gateway.get(f"/dashboard/{name}")
            assert answer.status == 200
            assert answer.headers["content-type"].startswith(dashboard.MEDIA_TYPES[name.rpartition(".")[2]].split(";")[0])
            named = re.findall(r'(?:from "\./|(?:href|src)="dashboard/)([\w.]+)"', answer.body.decode())
            open_ones += set(named) - seen
        assert seen == set(dashboard._FILES)

    run(scenario)


def test_it_runs_its_own_files_alone_and_is_framed_by_nobody() -> None:
    async def scenario() -> None:
        for path in ("/dashboard", "/dashboard/app.js"):
            policy = (await Gateway().get(path)).headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert not re.search(r"https?:", policy)

    run(scenario)


def test_a_slash_at_the_end_leads_to_the_page_and_other_names_to_nothing() -> None:
    async def scenario() -> None:
        gateway = Gateway()
        slash = await gateway.get("/dashboard/")
        assert (slash.status, slash.headers["location"]) == (307, "../dashboard")
        for name in ("no.js", "__init__.py", "../app.py", "%2e%2e/app.py"):
            answer = await gateway.get(f"/dashboard/{name}")
            assert (answer.status, answer.reason) == (404, "not_found")

    run(scenario)
