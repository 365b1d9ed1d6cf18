"""Recorded runs: every recipe, trained on seeds that chose nothing, and what its samples scored.

A chapter compares methods that together take half an hour to train. So they were trained once, by
``python benchmarks/quality.py --data digits --method all --record``, and what came out travels with
the package. A test holds the records against the recipes: a recipe whose settings have changed
since fails it until it is recorded anew.

The ring's seeds of record are 21 to 26 (of the VAE, the recipe that varies most, 21 to 29), those
of the digits 21, 22 and 23; settings were chosen on others. The scores are functions of
:mod:`otgen_lite.metrics`. On the ring they are of 20,000 samples: ``w2sq`` and ``mmd2`` to 1,000
stratified points, ``share``, ``modes`` and ``within_std``. There is no ``novelty``, because the
ring's law is known and can be drawn from for ever. On the digits they are of as many samples as
there are images, 1,797: ``w2sq``, ``mmd2`` and ``novelty`` to these, ``sharpness``, ``confidence``
and ``classes``. What real data score is in :func:`references`. ``mmd2`` is estimated without bias,
and so may be negative: of the ring's true law it is -0.0004, because stratified points avoid one
another, and of the digits' images themselves -0.0005, because these meet themselves.
"""

from otgen_lite.results._read import Reference, Run, load, missing, names, references
from otgen_lite.results._summary import Summary, summary
from otgen_lite.results._table import Table, of_references, of_runs, table

__all__ = [
    "Reference",
    "Run",
    "Summary",
    "Table",
    "load",
    "missing",
    "names",
    "of_references",
    "of_runs",
    "references",
    "summary",
    "table",
]
