"""The Q-Former: learned queries turn any number of encoder frames into a few LLM embeddings."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from balsa_pipe.config import AdapterConfig


class QFormer(nn.Module):
    """Audio tokens for the LLM, from the frames of several streams (tapped encoder layers).

    As in DeSTA2 (the lineage of BALSa): each stream has its own queries, all share one
    transformer, and every query sums its streams with learned softmax weights that start equal.
    Unlike DeSTA2, a stream's mean is added to its queries, so that with little data a query
    starts from what the clip sounds like and not from nothing.
    """

    def __init__(self, config: AdapterConfig, widths: Sequence[int], llm_width: int) -> None:
        """Build it for streams of the given widths and an LLM of the given hidden size."""
        super().__init__()
        hidden, streams = config.hidden_size, len(widths)
        self.inputs = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, hidden)) for width in widths
        )
        self.queries = nn.Parameter(torch.randn(streams, config.queries, hidden) * 0.02)
        self.from_mean = nn.ModuleList(
            nn.Linear(hidden, config.queries * hidden) for _ in range(streams)
        )
        layer = nn.TransformerDecoderLayer(
            d_model=hidden,
            nhead=config.heads,
            dim_feedforward=4 * hidden,
            dropout=config.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.decoder = nn.TransformerDecoder(layer, config.layers)
        self.stream_weights = nn.Parameter(torch.zeros(config.queries, streams))
        self.norm = nn.LayerNorm(hidden)
        self.output = nn.Linear(hidden, llm_width)

    def forward(self, frames: Sequence[Tensor], masks: Sequence[Tensor]) -> Tensor:
        """Return audio tokens (B, queries, llm_width).

        frames: one (B, T, width) a stream; masks: one (B, T) a stream, True where a frame is real.
        """
        outputs = [
            self._stream(index, stream, mask)
            for index, (stream, mask) in enumerate(zip(frames, masks, strict=True))
        ]
        weights = self.stream_weights.softmax(dim=-1)  # (queries, streams)
        mixed = torch.einsum("sbqh,qs->bqh", torch.stack(outputs), weights)
        tokens: Tensor = self.output(self.norm(mixed))
        return tokens

    def _stream(self, index: int, frames: Tensor, mask: Tensor) -> Tensor:
        memory = self.inputs[index](frames)  # (B, T, hidden)
        counts = mask.sum(dim=1, keepdim=True).clamp(min=1)
        mean = (memory * mask.unsqueeze(-1)).sum(dim=1) / counts  # (B, hidden)
        queries = self.queries[index] + self.from_mean[index](mean).unflatten(
            -1, self.queries.shape[1:]
        )
        decoded: Tensor = self.decoder(queries, memory, memory_key_padding_mask=~mask)
        return decoded
