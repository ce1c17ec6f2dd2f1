"""Instruments on the one catalogue of facts: logs, metrics, timeline."""
