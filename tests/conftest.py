"""What all tests share: one thread, no network, no time limit, and a folder of tones and models."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by torch when it is first imported
os.environ |= {"TRANSFORMERS_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
settings.register_profile("balsa", deadline=None)  # the machine may be busy
settings.load_profile("balsa")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with llm/, whisper/, audio/ and metadata.csv, as tests/make_tiny.py makes it."""
    import torch

    from make_tiny import make_tiny

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tiny")
    make_tiny(folder)
    return folder
