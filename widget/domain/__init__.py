"""The pure core: values to values, `now` passed in; no event loop, network, file, clock or chance."""
