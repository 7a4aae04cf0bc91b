"""What `make demo` starts: the simulator, the server and a sample site."""
