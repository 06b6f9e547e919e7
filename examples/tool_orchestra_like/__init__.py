"""A model that calls functions and a stronger model: python -m examples.tool_orchestra_like"""
