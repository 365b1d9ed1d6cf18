"""Course assignments: their sources, the grader, and its tests."""
