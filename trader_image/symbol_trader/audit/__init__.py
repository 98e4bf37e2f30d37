"""`symbol-trader audit`: the exchange against the record, by code that recovery does not use."""
