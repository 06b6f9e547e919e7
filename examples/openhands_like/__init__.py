"""An agent with several tools and sub-agents in one program: python -m examples.openhands_like"""
