"""The command line."""

from __future__ import annotations

from benchmarks import parts
from benchmarks.scale import actor, call, gateways, kills, leases, recovery, shards, store

EXPLANATION = """\
What it takes to outlive crashes and to outgrow one process.

  recovery  seconds until a scheduler knows 10,000 and 100,000 programs of its store again; and of the whole `thunderagent serve`
  kills     50 SIGKILLs of `thunderagent serve --store` under load: programs that were lost or counted twice, turns that were
            not run just once
  leases    seconds until a gateway has 1,000 sandboxes of its store again; how long it takes that one more is durable
  store     CPU of the gateway at full load with a store over the same without, in pairs of processes, round by round
  gateways  requests that two cores can serve, by CPU time: `serve --gateways 2` over `serve`, interleaved round by round (512
            connections, small bodies, an engine that answers at once)
  call      until a turn is admitted by a scheduler in another process, over a Unix socket, beyond one in the same process; one
            turn at a time
  actor     the same where the scheduler is an actor of a small Ray on this machine
  shards    10,000 engines in 100 groups with a scheduler each, 1,000,000 programs: real schedulers, light engines; one group
            leaves and comes back. Agents on 32 full simulated engines, under one scheduler and under several: what does it cost?

examples
  python -m benchmarks.scale
  python -m benchmarks.scale --quick --only recovery --json scale.json
"""
PARTS: parts.Parts = {
    "recovery": recovery.measure,
    "kills": kills.measure,
    "leases": leases.measure,
    "store": store.measure,
    "gateways": gateways.measure,
    "call": call.measure,
    "actor": actor.measure,
    "shards": shards.measure,
}

if __name__ == "__main__":
    parts.run("scale", "Outlive and outgrow", EXPLANATION, PARTS)
