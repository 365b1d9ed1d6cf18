"""``make gpu``: measurements on an accelerator, in at most eight minutes and offline.

The image of such a machine brings Python, torch and perhaps JAX. Everything here but the steps
themselves uses the standard library alone, so that a missing package is one failed step and not the
end of the run.
"""
