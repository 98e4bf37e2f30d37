"""The administrator's commands for accounts: balances and how commission is paid."""

from dataclasses import replace
from decimal import Decimal

from paper_exchange.accounts import parse_prices, permissions_of
from paper_exchange.core import interventions
from paper_exchange.core.money import ZERO
from paper_exchange.protocol.keys import Keys
from paper_exchange.shell.admin import AdminError, Command, Params
from paper_exchange.venue import Venue

PAYS = {"on": True, "off": False}


class Accounts:
    """Changes what accounts have."""

    def __init__(self, venue: Venue, keys: Keys) -> None:
        self._venue = venue
        self._keys = keys

    @property
    def commands(self) -> dict[str, Command]:
        """Return the commands by name."""
        return {
            "deposit": self.deposit,
            "balance": self.balance,
            "bnb-fees": self.bnb_fees,
            "forget": self.forget,
            "permit": self.permit,
            "revoke": self.revoke,
        }

    def deposit(self, params: Params) -> Params:
        """Add to an account's free balance; a negative amount takes from it."""
        account, asset = self._account(params), str(params["asset"])
        delta = Decimal(str(params["amount"]))
        self._venue.carry_out(
            self._venue.engine.deposit(self._venue.clock(), account, asset, delta)
        )
        return self._balance(account, asset)

    def balance(self, params: Params) -> Params:
        """Set an account's free balance of an asset."""
        account, asset = self._account(params), str(params["asset"])
        free = self._venue.engine.state.accounts[account].of(asset).free
        return self.deposit(params | {"amount": str(Decimal(str(params["free"])) - free)})

    def forget(self, params: Params) -> Params:
        """Remove all orders and trades of an account, as a reset of the testnet does."""
        account = self._account(params)
        engine = self._venue.engine
        self._venue.carry_out(interventions.forget(engine, self._venue.clock(), account))
        return {"account": account}

    def permit(self, params: Params) -> Params:
        """Change what the keys of an account may do; return all of it."""
        account = self._account(params)
        changed = {**self._keys.permissions[account], **permissions_of(params["permissions"])}
        self._keys.permissions[account] = changed
        return {"account": account, "permissions": changed}

    def revoke(self, params: Params) -> Params:
        """Take a key no longer; a session that it has logged on is told at its next request."""
        api_key = str(params["apiKey"])
        if not self._keys.revoke(api_key):
            raise AdminError(f"unknown key {api_key!r}")
        return {"apiKey": api_key}

    def bnb_fees(self, params: Params) -> Params:
        """Let one account, or all, pay commission in BNB or not; set its discount and price."""
        fees = self._venue.engine.fees
        pays = PAYS.get(str(params["pay"]))
        if pays is None:
            raise AdminError(f"pay must be on or off: {params['pay']!r}")
        discount = Decimal(str(params.get("discount", fees.bnb.discount)))
        if not ZERO <= discount <= 1:
            raise AdminError(f"discount must be between 0 and 1: {discount}")
        prices = {**fees.bnb.prices, **parse_prices(str(params.get("price", "")))}
        changed = replace(fees.bnb, discount=discount, prices=prices)
        if "account" in params:
            accounts = {**fees.bnb.accounts, self._account(params): pays}
            fees.bnb = replace(changed, accounts=accounts)
        else:
            fees.bnb = replace(changed, everyone=pays, accounts={})
        return {
            "everyone": fees.bnb.everyone,
            "accounts": dict(fees.bnb.accounts),
            "discount": format(discount, "f"),
            "prices": {quote: format(price, "f") for quote, price in prices.items()},
        }

    def _balance(self, account: str, asset: str) -> Params:
        balance = self._venue.engine.state.accounts[account].of(asset)
        return {
            "account": account,
            "asset": asset,
            "free": format(balance.free, "f"),
            "locked": format(balance.locked, "f"),
        }

    def _account(self, params: Params) -> str:
        known = list(self._venue.engine.state.accounts)
        name = params.get("account") or known[0]
        if name not in known:
            raise AdminError(f"unknown account {name!r}; known: {', '.join(known)}")
        return str(name)
