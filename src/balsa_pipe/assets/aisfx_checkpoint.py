"""The aiSFX checkpoint becomes safetensors; nothing of the pickle is run."""

import io
import re
from pathlib import Path
from typing import Any

from balsa_pipe.errors import AssetError, one_line


def convert_aisfx(checkpoint: bytes, folder: Path) -> None:
    """Write config.json and model.safetensors of the encoder alone, without its class heads."""
    from safetensors.torch import save_file

    from balsa_pipe.model.aisfx import AisfxEncoder, shape_to_json

    encoder = AisfxEncoder()
    weights = encoder_weights(read_checkpoint(checkpoint))
    try:
        encoder.load_state_dict(weights)
    except RuntimeError as exc:
        detail = one_line(exc, 200)
        raise AssetError(f"checkpoint.pth does not hold the aiSFX network: {detail}") from exc
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(shape_to_json(encoder.shape))


def encoder_weights(state: dict[str, Any]) -> dict[str, Any]:
    """Return the tensors of the embedding net under AisfxEncoder's names."""
    return {
        f"blocks.{int(match[1]) - 1}.{match[2]}": tensor.contiguous()
        for name, tensor in state.items()
        if (match := re.fullmatch(r"embedding_net\.conv_block(\d)\.(.+)", name))
    }


def read_checkpoint(checkpoint: bytes) -> dict[str, Any]:
    """Return the state dict; class counts of NumPy's scalar kind are let through, no other code."""
    import pickle

    import numpy as np
    import torch
    from numpy._core.multiarray import scalar

    kinds = [type(np.dtype(name)) for name in ("int64", "int32", "float64", "float32")]
    allowed: list[Any] = [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, *kinds]
    try:
        with torch.serialization.safe_globals(allowed):
            state, _ = torch.load(io.BytesIO(checkpoint), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, TypeError, EOFError) as exc:
        raise AssetError(
            "checkpoint.pth can't be read without running code out of it; delete it, fetch again"
        ) from exc
    return dict(state)
