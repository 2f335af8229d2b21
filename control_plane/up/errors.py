class CannotStart(Exception):
    """The system can't run here now; the message says why and what to do."""
