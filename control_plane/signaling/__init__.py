"""Signaling, version 1: JSON over a websocket, subprotocol `nexusvibe.v1`."""
