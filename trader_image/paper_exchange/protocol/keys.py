"""The keys of all accounts: for whom a request speaks, and what its key may do."""

from paper_exchange.accounts import PERMISSIONS, AccountConfig
from paper_exchange.core import errors
from paper_exchange.core.errors import ExchangeError
from paper_exchange.protocol.params import Params
from paper_exchange.protocol.session import ApiSession
from paper_exchange.protocol.signing import is_query_signed, is_signed, verifier


class SessionRevokedError(ExchangeError):
    """The key of a session that is logged on is taken no longer; no request is named then."""

    def __init__(self) -> None:
        refused = errors.bad_key()
        super().__init__(refused.code, refused.message, status=401)


class Keys:
    """The keys that are registered now."""

    def __init__(self, accounts: tuple[AccountConfig, ...]) -> None:
        self._keys = {key.api_key: (owner.name, key) for owner in accounts for key in owner.keys}
        self._verify = {name: verifier(key) for name, (_, key) in self._keys.items()}
        self.permissions = {owner.name: {**PERMISSIONS, **owner.permissions} for owner in accounts}
        """What the keys of an account may do, by account."""

    def account(self, api_key: str) -> str:
        """Return whose key it is; raise -2015 for one that is not registered."""
        if api_key not in self._keys:
            raise errors.bad_key()
        return self._keys[api_key][0]

    def verify(self, params: Params) -> None:
        """Raise -1022 unless a request is signed by the key that it names."""
        if not is_signed(params.values, self._verify[params.text("apiKey")]):
            raise errors.bad_signature()

    def verify_query(self, api_key: str, query: str) -> None:
        """Raise -1022 unless a REST query is signed by a key."""
        if not is_query_signed(query, self._verify[api_key]):
            raise errors.bad_signature()

    def of_session(self, session: ApiSession) -> str:
        """Return for whom a session speaks; raise -1102 if it is not logged on.

        Where its key was revoked meanwhile, it is logged off, and `SessionRevokedError` is raised.
        """
        if session.api_key is None:
            raise errors.missing("apiKey")
        if session.api_key not in self._keys:
            session.log_off()
            raise SessionRevokedError
        return self._keys[session.api_key][0]

    def logs_on(self, api_key: str) -> bool:
        """Whether a key may log a session on: those of Ed25519 alone."""
        return self._keys[api_key][1].public is not None

    def revoke(self, api_key: str) -> bool:
        """Take a key no longer; return whether there was one."""
        return self._keys.pop(api_key, None) is not None
