"""What tests build on: real processes, virtual time, doubles written by hand."""
