"""The audio-aware LLM: frozen encoders, a Q-Former adapter, a frozen LLM with optional LoRA."""
