"""The operator: turns each TradingSymbol into one leader pod, and reports what became of it.

It knows nothing of the exchange or the database; a leader trades without it.
"""
