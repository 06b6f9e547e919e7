"""Past one scheduler: shards, which are groups of engines with a scheduler each, and programs that are placed on them."""

from thunderagent.core.sharding.placement import Home, Placement
from thunderagent.core.sharding.ring import Ring
from thunderagent.core.sharding.sharded import ShardedScheduler

__all__ = ["Home", "Placement", "Ring", "ShardedScheduler"]
