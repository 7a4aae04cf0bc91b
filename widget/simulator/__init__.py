"""A stand-in for Cisco ECE: the six calls, a queue that changes with time, faults to switch on, a small chat page.

A package of its own: commands, the demo and tests start it, nothing of the product imports it, and it imports nothing
of the product, so that an error in the product's reading of the guide cannot hide in its counterpart.
"""

from widget.simulator.app import create_simulator

__all__ = ["create_simulator"]
