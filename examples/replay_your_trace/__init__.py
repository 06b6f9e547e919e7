"""What another policy would have given on your own agents: python -m examples.replay_your_trace"""
