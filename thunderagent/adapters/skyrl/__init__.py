"""SkyRL: a scheduled inference client, a mixin for any experiment, a configuration section. ``thunderagent.skyrl`` wires them."""
