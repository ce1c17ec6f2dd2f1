"""The demo: the whole stack as separate processes on this machine, with a live picture of one rebalance."""
