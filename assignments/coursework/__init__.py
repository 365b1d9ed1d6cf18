"""The grader of the assignments: instances that nobody has seen, and answers that run apart.

An *answer* is a name that a student's notebook binds: a function, mostly. It runs in a process of
its own, with limits (:mod:`coursework.worker`), and what it returns comes back as plain data
(:mod:`coursework.wire`). The *tests* of a question run here, in the grader's process, on those
data: nothing that a submission does to its own process changes how it is judged.

Hidden tests import from here what they compare with: :func:`number`, :func:`array`, :func:`near`,
:func:`at_most`, :func:`at_least`, and :class:`Function` for a function that is handed to an answer.
"""

from coursework.checks import array, at_least, at_most, near, number
from coursework.hidden import Hidden
from coursework.wire import Function

__all__ = ["Function", "Hidden", "array", "at_least", "at_most", "near", "number"]
