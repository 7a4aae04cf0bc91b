"""The process and its sockets: what is served, workers, reloads, signals, the connection guard and its Date."""
