"""One folder per outside system; none imports another."""
