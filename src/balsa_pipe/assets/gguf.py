"""A GGUF language model becomes a folder of bfloat16 weights that transformers and vLLM load."""

from pathlib import Path

from balsa_pipe.errors import AssetError


def convert_gguf(gguf: Path, folder: Path) -> None:
    """Write the dequantised model with its tokenizer and chat template into folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source = {"gguf_file": gguf.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **source)
    if not tokenizer.chat_template:
        raise AssetError(f"{gguf}: has no chat template, so it is no instruction-tuned model")
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
        **source,
    )
    model.tie_weights()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
