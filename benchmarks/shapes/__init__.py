"""The shapes of data that reports are made of: one module each, and this registry."""

from __future__ import annotations

from benchmarks.shapes.base import Shape
from benchmarks.shapes.dense import DENSE
from benchmarks.shapes.opportunities import OPPORTUNITIES
from benchmarks.shapes.wide import WIDE

SHAPES: dict[str, Shape] = {shape.name: shape for shape in (OPPORTUNITIES, DENSE, WIDE)}

__all__ = ["OPPORTUNITIES", "SHAPES", "Shape"]
