"""Read endpoints of the systems whose writers receiver.vendors understands, for readers that were made for them.

They answer from the primary log records, in the words, shapes and error styles of each system. Times come in UTC and say so.
"""

from query.legacy.application import add_legacy_routes
from query.legacy.runs import current_run

__all__ = ["add_legacy_routes", "current_run"]
