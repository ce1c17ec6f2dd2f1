"""Sequences effects through ports; never sees an adapter."""
