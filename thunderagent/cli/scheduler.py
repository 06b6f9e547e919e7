"""``thunderagent scheduler``: the options of ``serve``, but those of its processes."""

from __future__ import annotations

import inspect
from typing import Any

from thunderagent.adapters.link.address import Address
from thunderagent.cli import serve_options as options
from thunderagent.cli.serve import serve

HTTP_PORT = 8299
"""Beside the gateways' default, so that both may run on one machine."""
NOT_HERE = ("gateways", "scheduler", "listen")


def scheduler(*, listen: str, **given: Any) -> None:
    """A scheduler that gateways of other processes or machines share.

    Each of them is a thunderagent serve --scheduler ADDRESS. What is no turn they forward to this scheduler's own HTTP port.
    More is in docs/scale_link.md.

    Examples:

      thunderagent scheduler --listen unix:/run/thunderagent/link --backends http://gpu1:8000

      thunderagent scheduler --listen tcp:10.0.0.1:8298 --link-token-file token.txt --backends http://gpu1:8000
    """
    if given["host"] == _default("host"):
        given["host"] = Address.parse("--listen", listen).http_host
    serve(listen=listen, **given)


def _default(name: str) -> Any:
    return inspect.signature(serve).parameters[name].default


def _take_signature() -> None:
    """typer reads options from a function's signature."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    all_of_serve = inspect.signature(serve, eval_str=True).parameters
    shared = [parameter for name, parameter in all_of_serve.items() if name not in NOT_HERE]
    shared = [parameter.replace(default=HTTP_PORT) if parameter.name == "port" else parameter for parameter in shared]
    own = inspect.Parameter("listen", keyword, annotation=options.ListenThere)
    scheduler.__signature__ = inspect.Signature([own, *shared])  # type: ignore[attr-defined]
    scheduler.__annotations__ = {parameter.name: parameter.annotation for parameter in (own, *shared)}


_take_signature()
