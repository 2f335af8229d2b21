"""TURN relays (RFC 8656): which servers a participant is given, with credentials that hold for a while."""
