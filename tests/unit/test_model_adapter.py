"""The Q-Former: shapes, padding that changes nothing, streams that count by their weights."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from balsa_pipe.config import AdapterConfig
from balsa_pipe.model.adapter import QFormer

CONFIG = AdapterConfig(queries=5, layers=2, hidden_size=16, heads=2, dropout=0.5)
WIDTHS, LLM_WIDTH = [6, 10], 12


@pytest.fixture(scope="module")
def adapter() -> QFormer:
    torch.manual_seed(0)
    return QFormer(CONFIG, WIDTHS, LLM_WIDTH).eval()


def clip(lengths: list[int], seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    pairs = zip(lengths, WIDTHS, strict=True)
    return [torch.randn(1, length, width, generator=generator) for length, width in pairs]


def full(frames: list[Tensor]) -> list[Tensor]:
    return [torch.ones(stream.shape[:2], dtype=torch.bool) for stream in frames]


def padded(frames: list[Tensor], extra: int, value: float) -> tuple[list[Tensor], list[Tensor]]:
    """Return frames with nonsense after their end, and masks that say so."""
    longer = [torch.nn.functional.pad(stream, (0, 0, 0, extra), value=value) for stream in frames]
    masks = [torch.nn.functional.pad(mask, (0, extra), value=False) for mask in full(frames)]
    return longer, masks


@pytest.mark.parametrize("lengths", [[1, 1], [3, 7], [40, 2]])
def test_any_number_of_frames_becomes_so_many_tokens(adapter: QFormer, lengths: list[int]) -> None:
    frames = clip(lengths)
    assert adapter(frames, full(frames)).shape == (1, 5, LLM_WIDTH)


@settings(max_examples=25)
@given(
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.integers(0, 12),
    st.sampled_from([0.0, 5.0, -100.0]),
)
def test_masked_frames_change_nothing(
    adapter: QFormer, lengths: tuple[int, int], extra: int, value: float
) -> None:
    frames = clip(list(lengths))
    with torch.no_grad():
        alone = adapter(frames, full(frames))
        longer = adapter(*padded(frames, extra, value))
    torch.testing.assert_close(longer, alone, atol=1e-5, rtol=1e-4)


def test_frames_that_are_not_masked_do_count(adapter: QFormer) -> None:
    frames = clip([4, 4])
    longer, _ = padded(frames, 3, 5.0)
    assert not torch.allclose(adapter(longer, full(longer)), adapter(frames, full(frames)))


def test_clips_of_a_batch_do_not_see_each_other(adapter: QFormer) -> None:
    one, other = clip([5, 3], 1), clip([5, 3], 2)
    both = [torch.cat(pair) for pair in zip(one, other, strict=True)]
    found = adapter(both, full(both))
    torch.testing.assert_close(found[:1], adapter(one, full(one)), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found[1:], adapter(other, full(other)), atol=1e-5, rtol=1e-4)


def test_streams_count_equally_at_first(adapter: QFormer) -> None:
    assert adapter.stream_weights.softmax(dim=-1).unique().tolist() == [0.5]


def test_a_stream_without_weight_is_not_heard() -> None:
    torch.manual_seed(0)
    adapter = QFormer(CONFIG, WIDTHS, LLM_WIDTH).eval()
    one, other = clip([5, 3], 1), clip([5, 3], 2)
    second_differs = [one[0], other[1]]
    assert not torch.allclose(adapter(one, full(one)), adapter(second_differs, full(one)))
    with torch.no_grad():
        adapter.stream_weights[:, 1] = -1e9
    torch.testing.assert_close(adapter(one, full(one)), adapter(second_differs, full(one)))


def test_the_queries_start_from_the_mean_of_the_frames(adapter: QFormer) -> None:
    louder = [torch.full((1, 4, width), 1.0) * torch.arange(width) for width in WIDTHS]
    lower = [-stream for stream in louder]
    assert not torch.allclose(adapter(louder, full(louder)), adapter(lower, full(lower)))


def test_every_weight_learns(adapter: QFormer) -> None:
    frames = clip([6, 4])
    adapter(frames, full(frames)).square().sum().backward()
    silent = [name for name, weight in adapter.named_parameters() if weight.grad is None]
    assert silent == []


def test_dropout_works_in_training_only(adapter: QFormer) -> None:
    frames = clip([6, 4])
    assert torch.equal(adapter(frames, full(frames)), adapter(frames, full(frames)))
    adapter.train()
    try:
        assert not torch.equal(adapter(frames, full(frames)), adapter(frames, full(frames)))
    finally:
        adapter.eval()


def test_another_number_of_streams_is_refused(adapter: QFormer) -> None:
    frames = clip([6, 4])
    with pytest.raises(ValueError, match="zip"):
        adapter(frames, full(frames)[:1])
