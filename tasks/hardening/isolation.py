"""Reproducible numerics that leave no trace: torch, numpy and `random` are afterwards as they were before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Run the block deterministically on one thread, whatever the caller has set.

    One thread, because sums are then added in the same order on every machine; nets on tables are too small to gain
    from more. Gradients are on inside, even where the caller switched them off, and autocast is off.

    Args:
        seed: Of the global generators inside the block. Our own code draws from its own generators; libraries do not.
    """
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    dtype = torch.get_default_dtype()
    python_state = random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002  (the global generator is what libraries draw from)
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.random.fork_rng(devices=devices))
            stack.enter_context(torch.inference_mode(False))
            stack.enter_context(torch.enable_grad())
            stack.enter_context(torch.autocast("cpu", enabled=False))
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002
            random.seed(seed)
            torch.set_num_threads(1)
            torch.use_deterministic_algorithms(True)
            torch.set_default_dtype(torch.float32)
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.set_num_threads(threads)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
