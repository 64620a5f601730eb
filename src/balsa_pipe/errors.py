"""The errors that are told to a user in one line; anything else is a bug and keeps its traceback."""


class BalsaError(Exception):
    """A mistake in what the user gave us: where, what was found, what was expected, what to do."""


class ConfigError(BalsaError):
    """A config file that can't be used."""


class AssetError(BalsaError):
    """A model or recording that can't be fetched, or isn't what it should be."""


class AudioError(BalsaError):
    """An audio file that can't be decoded into sound."""


class CorpusError(BalsaError):
    """Metadata of a corpus that can't be read as a whole."""


class PromptError(BalsaError):
    """A prompt file whose wordings can't be rendered."""


class ShardError(BalsaError):
    """A shard that is missing, damaged or of another schema."""


class HubError(BalsaError):
    """A dataset that the hub doesn't take."""


class EngineError(BalsaError):
    """An engine that can't be started or that died."""


class ModelError(BalsaError):
    """A model folder that can't be loaded or doesn't fit its parts."""


def one_line(error: BaseException, limit: int | None = None) -> str:
    """Return what an error says, in one line of at most so many characters; else its type."""
    return " ".join(str(error).split())[:limit] or type(error).__name__
