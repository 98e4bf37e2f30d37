"""The leader's own TradingSymbol: an object of the API server, or a file."""
