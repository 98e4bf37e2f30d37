"""The commands, those of a kind in one module; `__main__` lists them."""
