"""Long proofs, run by `make soak`."""
