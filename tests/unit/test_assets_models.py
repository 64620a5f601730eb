"""Converters of the embedded models, on tiny models of the same formats."""

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from balsa_pipe.assets.aisfx_checkpoint import convert_aisfx, encoder_weights, read_checkpoint
from balsa_pipe.assets.gguf import convert_gguf
from balsa_pipe.assets.whisper_ct2 import (
    Array,
    convert_whisper,
    read_ct2,
    to_transformers,
    whisper_config,
)
from balsa_pipe.errors import AssetError
from balsa_pipe.model.aisfx import AisfxEncoder

WIDTH, FFN, MELS = 64, 128, 80
VOCAB = 50_300  # the special tokens of transformers' Whisper lie at 50256


def make_ct2(tensors: dict[str, Array], spec: str = "WhisperSpec", version: int = 6) -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    types = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}
    data = struct.pack("<I", version) + text(spec) + struct.pack("<II", 3, len(tensors))
    for name, array in tensors.items():
        data += text(name) + struct.pack("<B", array.ndim)
        data += struct.pack(f"<{array.ndim}I", *array.shape)
        data += struct.pack("<BI", types[array.dtype.name], array.nbytes) + array.tobytes()
    return data + struct.pack("<I", 0)


def make_whisper() -> dict[str, Array]:
    """Return the variables of a one-layer Whisper under CTranslate2's names."""
    rng = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "encoder/conv1/weight": (WIDTH, MELS, 3),
        "encoder/conv1/bias": (WIDTH,),
        "encoder/conv2/weight": (WIDTH, WIDTH, 3),
        "encoder/conv2/bias": (WIDTH,),
        "encoder/position_encodings/encodings": (1500, WIDTH),
        "decoder/position_encodings/encodings": (448, WIDTH),
        "decoder/embeddings/weight": (VOCAB, WIDTH),
        "encoder/num_heads": (),
    }
    for part in ("encoder", "decoder"):
        layer = f"{part}/layer_0"
        linears = {"self_attention/linear_0": (3, 1), "self_attention/linear_1": (1, 1)}
        norms = [f"{part}/layer_norm", f"{layer}/self_attention/layer_norm"]
        if part == "decoder":
            linears |= {f"attention/linear_{i}": (rows, 1) for i, rows in enumerate((1, 2, 1))}
            norms.append(f"{layer}/attention/layer_norm")
        for name, (rows, _) in linears.items():
            shapes[f"{layer}/{name}/weight"] = (rows * WIDTH, WIDTH)
            shapes[f"{layer}/{name}/bias"] = (rows * WIDTH,)
        for index, (rows, columns) in enumerate(((FFN, WIDTH), (WIDTH, FFN))):
            shapes[f"{layer}/ffn/linear_{index}/weight"] = (rows, columns)
            shapes[f"{layer}/ffn/linear_{index}/bias"] = (rows,)
        for norm in (*norms, f"{layer}/ffn/layer_norm"):
            shapes |= {f"{norm}/gamma": (WIDTH,), f"{norm}/beta": (WIDTH,)}
    return {
        name: np.asarray(rng.standard_normal(shape), dtype=np.float16)
        for name, shape in shapes.items()
    }


def test_read_ct2_gives_back_arrays_of_every_type() -> None:
    tensors: dict[str, Array] = {
        f"a/{dtype}": np.arange(6, dtype=dtype).reshape(2, 3)
        for dtype in ("float32", "int8", "int16", "int32", "float16")
    }
    found = read_ct2(make_ct2(tensors))
    assert list(found) == list(tensors)
    for name, array in tensors.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "model.bin is no CTranslate2 file: "),
        (
            b"\x06\0\0\0\xff\xffabc",
            "model.bin is no CTranslate2 file: file ends early; fetch again",
        ),
        (make_ct2(make_whisper())[:900], "model.bin is no CTranslate2 file: file ends early"),
        (
            make_ct2({}, spec="TransformerSpec"),
            "model.bin holds 'TransformerSpec' of format 6, expected 'WhisperSpec' of format 6",
        ),
        (
            make_ct2({}, version=5),
            "model.bin holds 'WhisperSpec' of format 5, expected 'WhisperSpec' of format 6",
        ),
    ],
)
def test_read_ct2_refuses_other_files(data: bytes, message: str) -> None:
    with pytest.raises(AssetError) as caught:
        read_ct2(data)
    assert str(caught.value).startswith(message)


def test_stacked_projections_are_split_in_order() -> None:
    tensors = make_whisper()
    weights = to_transformers(tensors)
    own = tensors["encoder/layer_0/self_attention/linear_0/weight"]
    cross = tensors["decoder/layer_0/attention/linear_1/bias"]
    attention = "encoder.layers.0.self_attn"
    for index, part in enumerate(("q_proj", "k_proj", "v_proj")):
        rows = own[index * WIDTH : (index + 1) * WIDTH]
        np.testing.assert_array_equal(weights[f"{attention}.{part}.weight"], rows)
    assert f"{attention}.k_proj.bias" not in weights
    v_bias = weights["decoder.layers.0.encoder_attn.v_proj.bias"]
    np.testing.assert_array_equal(v_bias, cross[WIDTH:])
    assert "encoder.num_heads" not in weights


def test_whisper_config_is_read_off_the_shapes() -> None:
    config = whisper_config(to_transformers(make_whisper()))
    assert (config["d_model"], config["num_mel_bins"], config["vocab_size"]) == (64, 80, VOCAB)
    assert (config["encoder_layers"], config["encoder_attention_heads"]) == (1, 1)
    assert (config["decoder_ffn_dim"], config["max_source_positions"]) == (128, 1500)


def test_transformers_loads_the_whisper_folder(tmp_path: Path) -> None:
    from transformers import WhisperFeatureExtractor, WhisperModel

    tensors = make_whisper()
    convert_whisper(make_ct2(tensors), tmp_path)
    model, info = WhisperModel.from_pretrained(tmp_path, output_loading_info=True)
    assert {key: set(names) for key, names in info.items()} == {key: set() for key in info}
    assert model.dtype == torch.float32
    found = model.encoder.layers[0].fc1.weight.detach().numpy()
    np.testing.assert_array_equal(found, tensors["encoder/layer_0/ffn/linear_0/weight"])
    extractor = WhisperFeatureExtractor.from_pretrained(tmp_path)
    assert (extractor.feature_size, extractor.nb_max_frames) == (80, 3000)


def make_checkpoint(state: dict[str, Any]) -> bytes:
    """Return a checkpoint as the package stores it: weights, and class counts of NumPy's kind."""
    buffer = io.BytesIO()
    torch.save((state, {"some_set": (0, np.int64(78))}), buffer)
    return buffer.getvalue()


def package_state(encoder: AisfxEncoder) -> dict[str, Any]:
    return {
        f"embedding_net.conv_block{int(name.split('.')[1]) + 1}.{name.split('.', 2)[2]}": tensor
        for name, tensor in encoder.state_dict().items()
    }


def test_aisfx_checkpoint_becomes_a_folder_without_heads(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = AisfxEncoder().eval()
    state = package_state(encoder) | {"fc.0.0.weight": torch.zeros(3)}
    convert_aisfx(make_checkpoint(state), tmp_path)
    loaded = AisfxEncoder.from_folder(tmp_path).state_dict()
    torch.testing.assert_close(dict(loaded), dict(encoder.state_dict()))
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "aisfx"


def test_aisfx_weights_are_renamed() -> None:
    state = {"embedding_net.conv_block4.bn2.bias": torch.ones(1), "fc.0.2.bias": torch.ones(1)}
    assert list(encoder_weights(state)) == ["blocks.3.bn2.bias"]


def test_aisfx_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"checkpoint\.pth does not hold the aiSFX network"):
        convert_aisfx(make_checkpoint({"other": torch.zeros(1)}), tmp_path)
    assert not (tmp_path / "config.json").exists()


class Evil:
    """A pickle that runs a command when it is loaded carelessly."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("evil"),)  # type: ignore[return-value]


@pytest.mark.parametrize("content", [b"", b"no pickle", make_checkpoint({"x": Evil()})])
def test_aisfx_checkpoint_runs_no_code(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssetError, match="can't be read without running code"):
        read_checkpoint(content)
    assert not (tmp_path / "evil").exists()


def write_gguf(path: Path, chat_template: str | None) -> Path:
    """Write a one-layer llama with a vocabulary of single characters."""
    import gguf

    width, ffn, tokens = 32, 64, ["<unk>", "<s>", "</s>", *map(chr, range(33, 127)), "ab"]
    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(16)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3] + [1] * (len(tokens) - 3))
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    if chat_template:
        writer.add_chat_template(chat_template)
    shapes = {
        "token_embd": (len(tokens), width),
        "output_norm": (width,),
        "blk.0.attn_norm": (width,),
        "blk.0.ffn_norm": (width,),
        "blk.0.attn_q": (width, width),
        "blk.0.attn_k": (width // 2, width),
        "blk.0.attn_v": (width // 2, width),
        "blk.0.attn_output": (width, width),
        "blk.0.ffn_gate": (ffn, width),
        "blk.0.ffn_up": (ffn, width),
        "blk.0.ffn_down": (width, ffn),
    }
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", rng.standard_normal(shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_gguf_becomes_a_bfloat16_folder_with_tied_output(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    template = "{% for m in messages %}<s>{{ m.content }}</s>{% endfor %}"
    convert_gguf(write_gguf(tmp_path / "m.gguf", template), tmp_path / "out")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert model.dtype == torch.bfloat16
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    chat = [{"role": "user", "content": "ab!"}]
    assert tokenizer.apply_chat_template(chat, tokenize=False) == "<s>ab!</s>"
    assert tokenizer.tokenize("ab!") == ["ab", "!"]


def test_gguf_without_chat_template_is_refused(tmp_path: Path) -> None:
    gguf = write_gguf(tmp_path / "m.gguf", None)
    with pytest.raises(AssetError) as caught:
        convert_gguf(gguf, tmp_path / "out")
    assert str(caught.value) == (
        f"{gguf}: has no chat template, so it is no instruction-tuned model"
    )
