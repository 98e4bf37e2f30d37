"""The exceptions that reach a person as a sentence."""


class TryError(Exception):
    """Something that the person who called has to know or do; the message says what."""


class BusyError(TryError):
    """Another process runs in this clone."""
