"""Sweeps: a method trained at every point of a grid of hyper-parameters, in one call."""

from otgen_lite.sweep.check_stack import CannotStack
from otgen_lite.sweep.result import Sweep
from otgen_lite.sweep.run import sweep
from otgen_lite.sweep.stack import Stacked
from otgen_lite.sweep.stack_group import StackGroup

__all__ = ["CannotStack", "StackGroup", "Stacked", "Sweep", "sweep"]
