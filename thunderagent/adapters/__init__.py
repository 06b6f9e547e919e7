"""Everything that touches the outside: RL frameworks, wired, above; engines, gateway, trackers and traces below. Siblings never
import each other."""
