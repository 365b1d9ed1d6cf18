"""Recorded runs: the scores of every recipe, on seeds that were not used to choose its settings.

A chapter compares methods that together take half an hour to train. So they were trained once, by
``python benchmarks/quality.py --data digits --method all --record``, and the scores are part of the
package. A test compares the records with the recipes: if the settings of a recipe have changed, it
fails until the recipe is recorded again.

The ring's seeds of record are 21 to 26 (of the VAE, the recipe that varies most, 21 to 29), those
of the digits 21, 22 and 23; settings were chosen on others. The scores are functions of
:mod:`otgen_lite.metrics`. On the ring they are of 20,000 samples: ``w2sq`` and ``mmd2`` to 1,000
stratified points, ``share``, ``modes`` and ``within_std``. There is no ``novelty`` on the ring,
because fresh draws from its distribution are always available. On the digits the scores are of as
many samples as there are images, 1,797: ``w2sq``, ``mmd2`` and ``novelty`` to these, ``sharpness``,
``confidence`` and ``classes``. :func:`references` holds what real data score. The estimate ``mmd2``
is a U-statistic and so may be negative: for fresh draws of the ring it is -0.0004, because the
stratified points avoid one another, and for the images of digits themselves -0.0005, because there
each image is compared with itself.
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
