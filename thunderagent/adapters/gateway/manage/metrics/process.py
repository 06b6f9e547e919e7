"""The gateway's own process, as prometheus_client reads it of the system; only Linux tells."""

from __future__ import annotations

from thunderagent.adapters.gateway.manage.metrics.family import Family, Kind

CPU = Family(Kind.COUNTER, "process_cpu_seconds", "Total user and system CPU time spent in seconds.")
RESIDENT = Family(Kind.GAUGE, "process_resident_memory_bytes", "Resident memory size in bytes.")
VIRTUAL = Family(Kind.GAUGE, "process_virtual_memory_bytes", "Virtual memory size in bytes.")
START = Family(Kind.GAUGE, "process_start_time_seconds", "Start time of the process since unix epoch in seconds.")
OPEN_FDS = Family(Kind.GAUGE, "process_open_fds", "Number of open file descriptors.")
MAX_FDS = Family(Kind.GAUGE, "process_max_fds", "Maximum number of open file descriptors.")
FAMILIES = (CPU, RESIDENT, VIRTUAL, START, OPEN_FDS, MAX_FDS)
