"""From audio metadata to a trained, evaluated audio-aware LLM (BALSa, arXiv 2505.20166)."""

__version__ = "0.1.0"
