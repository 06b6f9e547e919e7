"""A slow and obvious reference of the scheduler's decisions: plain lists, everything found by scanning, nothing remembered twice.

``world`` holds the records and the questions about them, ``mechanics`` says what every event does, ``rules`` and one module per
policy say who goes where. Written from the stated rules; it shares only events, effects and constants with ``thunderagent.core``.
"""
