"""Agents with Anthropic's client: python -m examples.anthropic_client"""
