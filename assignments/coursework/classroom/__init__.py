"""A whole class: submissions as a course system exports them, graded, and what comes out of it.

``python -m coursework.classroom --help``. Each submission that has been graded leaves a record, so
that a run that was stopped goes on, and a second one grades only what has changed. Tables, pages
and feedback are made from the records alone.
"""
