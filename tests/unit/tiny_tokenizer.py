"""A word-level tokenizer with special tokens and chat templates, made in milliseconds."""

from typing import Any

SPECIAL = ("<unk>", "<|im_start|>", "<|im_end|>", "<|im|>")
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tiny_tokenizer(
    template: str | None = CHATML,
    *,
    special: tuple[str, ...] = SPECIAL,
    words: tuple[str, ...] = ("a", "dog", "barks"),
    folds: bool = False,
) -> Any:
    """Return a transformers tokenizer; folds makes it treat full-width characters as plain."""
    from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(WordLevel({w: i for i, w in enumerate([special[0], *words])}, special[0]))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    if folds:
        backend.normalizer = normalizers.NFKC()
    backend.add_special_tokens([AddedToken(one, normalized=folds) for one in special[1:]])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token=special[0])
    tokenizer.chat_template = template
    return tokenizer
