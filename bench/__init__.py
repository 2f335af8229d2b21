"""Measurements, each with the baseline that it runs against. `make bench` runs all of them in one go."""
