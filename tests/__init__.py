"""The tests; folders as in docs/explanation/architecture.md."""
