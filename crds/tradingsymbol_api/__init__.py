"""The contract of the TradingSymbol resource: what users write, what the programs report."""
