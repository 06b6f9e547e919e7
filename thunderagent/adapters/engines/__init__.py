"""Engines: their capacity and health, and a simulated one."""
