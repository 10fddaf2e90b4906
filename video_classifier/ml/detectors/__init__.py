"""What stands behind ml.detection: our own person detector, and YOLO files in ONNX."""

from __future__ import annotations
