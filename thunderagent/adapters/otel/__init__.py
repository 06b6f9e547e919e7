"""OpenTelemetry: a span for each turn, exported as OTLP over HTTP. Needs the extra ``otel``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thunderagent.errors import ConfigError

if TYPE_CHECKING:
    from thunderagent.adapters.otel.tracing import TurnTracing


def open_tracing() -> TurnTracing:
    """Spans to where the ``OTEL_*`` variables say.

    Raises:
        ConfigError: OpenTelemetry is not installed, or is told to use another protocol than HTTP.
    """
    try:
        from thunderagent.adapters.otel.export import provider_of_environment
        from thunderagent.adapters.otel.tracing import TurnTracing
    except ImportError:
        raise ConfigError("otel", True, "needs OpenTelemetry: pip install 'thunderagent[otel]'") from None
    return TurnTracing(provider_of_environment())


__all__ = ["open_tracing"]
