"""The commands that look after a record; `__main__` has those that lead."""
