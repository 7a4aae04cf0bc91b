"""Delivery of what the outbox holds: the same object inside `serve` and alone in `deliver`."""

from widget.application.delivery.loop import Delivery
from widget.application.delivery.ports import DeliveryCounts, DeliveryRules, Destination

__all__ = ["Delivery", "DeliveryCounts", "DeliveryRules", "Destination"]
