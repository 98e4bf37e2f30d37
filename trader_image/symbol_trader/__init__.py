"""The leader of one trading symbol: it runs traders, keeps the record and talks to the exchange."""
