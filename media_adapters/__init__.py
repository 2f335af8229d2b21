"""Adapters to media servers (SFUs) and the node agent that runs one beside its SFU.

An integrator reads `contract`, `models`, `events` and `errors`, in that order. Nothing here imports the control plane.
"""
