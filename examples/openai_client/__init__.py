"""Agents with OpenAI's client: python -m examples.openai_client"""
