"""The first step: which card, which driver, which versions, and what the card can compute."""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from importlib import metadata
from typing import Any

from tools.gpu.record import emit

PACKAGES = ("torch", "triton", "jax", "jaxlib", "ott-jax", "POT", "numpy", "scipy", "scikit-learn",
            "matplotlib", "ipywidgets")  # fmt: skip


def versions() -> dict[str, str]:
    """By name the version of each package, or that there is none."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "none"
    return found


def driver() -> str:
    """The driver's version, by nvidia-smi."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else "unknown"


def card(device: str) -> dict[str, Any]:
    """Properties of the accelerator, from torch."""
    import torch

    if torch.device(device).type != "cuda":
        return {"card": f"none: {device}, {platform.processor() or platform.machine()}"}
    about = torch.cuda.get_device_properties(torch.device(device))
    return {
        "card": about.name,
        "memory (GiB)": round(about.total_memory / 2**30, 1),
        "multiprocessors": about.multi_processor_count,
        "capability": f"{about.major}.{about.minor}",
        "CUDA of torch": torch.version.cuda or "none",
        "driver": driver(),
    }


def dtypes(device: str) -> str:
    """Types in which a matrix product and a sum come out right on the device."""
    import torch

    good = []
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        try:
            eye = torch.eye(16, device=device, dtype=dtype)
            if (eye @ (2 * eye)).sum().item() == 32.0:
                good.append(str(dtype).removeprefix("torch."))
        except (RuntimeError, TypeError):
            continue
    return ", ".join(good)


def jax_devices() -> str:
    """Devices of JAX, asked in a process of its own: it would take memory from torch."""
    command = [sys.executable, "-c", "import jax; print(jax.devices()[0].platform)"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return "JAX does not run"
    return done.stdout.strip()


def main(arguments: list[str] | None = None) -> int:
    """Emit the facts; fail where the device is not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    device = parser.parse_args(arguments).device
    import torch

    if device.startswith("cuda") and not torch.cuda.is_available():
        print(f"torch {torch.__version__} sees no {device} here")
        return 1
    found = {
        "python": platform.python_version(),
        **card(device),
        "processor": f"{torch.get_num_threads()} threads, {platform.machine()}",
        "types": dtypes(device),
        "JAX on": jax_devices(),
        **versions(),
    }
    for name, value in found.items():
        print(f"{name}: {value}", flush=True)
    emit(facts=found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
