"""One thread a process, and waiting that leaves the processor alone.

The chapters train small networks: a second thread gains them nothing. Beside other work it costs a
great deal, because OpenMP's threads spin while they wait for one another, and what they wait for
is then a processor that somebody else has. So whatever the project starts (kernels, tests,
benchmarks) runs on one thread with the passive wait policy, and uses the cores by several
processes.

An environment variable is read once, when a library is loaded: set these before torch and numpy
are imported.
"""

from __future__ import annotations

#: Threads that wait sleep. OpenMP's are told so; those of OpenBLAS, which NumPy brings along, do
#: not listen, and spin after each product for 2^26 ticks unless they are told a smaller power.
PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_THREAD_TIMEOUT": "4"}


def limited(threads: int) -> dict[str, str]:
    """Environment variables for so many threads, which sleep while they wait."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {**PASSIVE, **dict.fromkeys(names, str(threads))}


#: One thread a process.
ONE = limited(1)


def cores() -> int:
    """Cores that this process may use: affinity and a container's share count."""
    import joblib

    return int(joblib.cpu_count())
