"""What people and machines call: the command line, the status pages and the demo."""
