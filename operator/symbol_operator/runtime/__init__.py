"""The running operator: it watches, asks the decisions, carries them out, and reports."""
