"""Redis: streams in and out, the write-ahead journal, leases, and read models."""
