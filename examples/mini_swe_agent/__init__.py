"""mini-swe-agent's own command through the gateway: python -m examples.mini_swe_agent"""
