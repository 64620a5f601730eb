"""Makes what configs/tiny.yaml reads: tones with metadata, and two-layer models.

Run: python tests/make_tiny.py [folder]
"""

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

RATE = 16_000
SOUNDS = {"beep": 880.0, "hum": 110.0, "whistle": 2400.0, "buzz": 220.0, "siren": 600.0}
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tiny(folder: Path) -> None:
    """Write the folder, unless it is there already."""
    if (folder / "done").is_file():
        return
    torch.manual_seed(0)
    make_tones(folder)
    make_llm(folder / "llm")
    make_whisper(folder / "whisper")
    (folder / "done").touch()


def make_tones(folder: Path) -> None:
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    with (folder / "metadata.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "caption", "sounds", "licence"])
        for name, pitch in SOUNDS.items():
            for take in range(12):
                path = folder / "audio" / f"{name}_{take}.wav"
                soundfile.write(path, tone(name, pitch, take), RATE)
                rows.writerow([path.name, f"A {name}, take {take}.", f"{name};tone", "CC0-1.0"])


def tone(name: str, pitch: float, take: int) -> np.ndarray:
    seconds = 0.5 + 0.1 * take
    time = np.arange(int(RATE * seconds)) / RATE
    wobble = 0.3 * np.sin(2 * np.pi * 3 * time) if name == "siren" else 0.0
    wave = np.sin(2 * np.pi * pitch * (1 + 0.01 * take) * time + wobble)
    return (0.4 * (np.sign(wave) if name == "buzz" else wave)).astype(np.float32)


def make_llm(folder: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        [" ".join(SOUNDS), "Yes, No, there is a sound of the audio."], trainer
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    fast.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    fast.chat_template = CHATML
    fast.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        eos_token_id=fast.eos_token_id,
        bos_token_id=None,
    )
    llm = LlamaForCausalLM(config)
    teach_to_stop(llm, fast)
    llm.save_pretrained(folder)


def teach_to_stop(llm: Any, tokenizer: Any) -> None:
    """Fit a random LLM to some short replies: one that never stops makes the tests slow."""
    chats = [
        [
            {"role": "user", "content": f"Is there a sound of {sound}?"},
            {"role": "assistant", "content": f"{verdict}, there is {sound}."},
        ]
        for sound in SOUNDS
        for verdict in ("Yes", "No")
    ]
    batch = tokenizer.apply_chat_template(
        chats, padding=True, return_tensors="pt", return_dict=True
    )
    labels = batch["input_ids"].where(batch["attention_mask"] > 0, -100)
    optimizer = torch.optim.AdamW(llm.parameters(), lr=5e-3)
    for _ in range(40):
        optimizer.zero_grad()
        llm(**batch, labels=labels).loss.backward()
        optimizer.step()


def make_whisper(folder: Path) -> None:
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

    config = WhisperConfig(
        d_model=32,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        vocab_size=64,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    WhisperModel(config).save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=80).save_pretrained(folder)


if __name__ == "__main__":
    make_tiny(Path(sys.argv[1] if len(sys.argv) > 1 else "data/assets/tiny"))
