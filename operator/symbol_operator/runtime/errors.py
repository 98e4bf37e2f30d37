"""What can go wrong with a request to the API server: whether waiting helps, or reading again."""


class ClusterError(Exception):
    """A request to the API server failed."""


class UnavailableError(ClusterError):
    """The API server cannot be reached, or is too busy; later it may be different."""


class NotFoundError(ClusterError):
    """The object does not exist."""


class ConflictError(ClusterError):
    """The object exists already, or is no longer the one that was read."""


class RefusedError(ClusterError):
    """The API server understood the request and will not carry it out."""
