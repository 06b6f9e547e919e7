"""Agents that show what a gateway gives: python -m recipes.serve.agents"""
