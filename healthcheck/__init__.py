"""Is it up, and if not, why and what to do: standard library only, imports nothing of what it watches."""
