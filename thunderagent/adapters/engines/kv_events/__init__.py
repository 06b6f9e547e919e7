"""How much of each program's KV an engine still has, from the events of its KV cache (``--kv-events-config``).

Needs the extra ``kv-events``: to be imported where events are asked for, and not before.
"""

from thunderagent.adapters.engines.kv_events.ports import EventPorts
from thunderagent.adapters.engines.kv_events.watch import KvEventWatch

__all__ = ["EventPorts", "KvEventWatch"]
