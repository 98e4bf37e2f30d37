"""The imperative shell: carries out what the core decides, against ports that adapters fill."""
