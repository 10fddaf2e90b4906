"""The two words a network is trained to tell apart."""

from __future__ import annotations

SHOPLIFTER = "shoplifter"
NON_SHOPLIFTER = "non_shoplifter"

ALL = (NON_SHOPLIFTER, SHOPLIFTER)  # by the number a network is trained with: 0, 1
