"""The node agent: serves one SFU to the control plane. `python -m media_adapters.agent` starts it."""
