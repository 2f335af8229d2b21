"""Publishing into rooms by HTTP: WHIP (RFC 9725), for encoders that speak nothing else."""
