"""Sockets, files and time: the thin shell around the pure exchange."""
