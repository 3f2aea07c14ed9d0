"""OTLP ⇄ rows, pure. `batch_of` is the seam at which a compiled kernel can take over: request bytes in, ready rows out."""

from __future__ import annotations

from storage.rows.errors import Undecodable
from storage.rows.kernel import Kernel

__all__ = ["DEFAULT_KERNEL", "Kernel", "Undecodable", "batch_of"]

DEFAULT_KERNEL = Kernel()
# By the default settings: all content is kept, and prices are those of the package.
batch_of = DEFAULT_KERNEL.batch_of
