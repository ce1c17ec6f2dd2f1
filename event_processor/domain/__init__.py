"""Pure decisions: no I/O, no clock, no logging, no randomness; can be read without knowing Redis or IB."""
