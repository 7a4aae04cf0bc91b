"""ECE as its developer guide describes it (12.5): six calls over HTTP, XML in between, and nothing foreign beyond.

`client` asks, `wire` reads and writes, `dialect` decides in which form a survey goes out, `sink` sends it.
"""
