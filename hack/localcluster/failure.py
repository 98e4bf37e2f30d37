"""The one exception that reaches a person as a sentence instead of a traceback."""


class LocalClusterError(Exception):
    """Something that the person who called has to know or do; the message says what."""
