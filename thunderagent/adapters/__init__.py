"""Everything that touches the outside: engines, RL frameworks, trackers. Siblings never import each other."""
