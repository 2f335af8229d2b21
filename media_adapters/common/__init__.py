"""What adapters have in common: the parts of a `MediaNode` that know no SFU."""
