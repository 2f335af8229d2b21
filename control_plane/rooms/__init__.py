"""Rooms: who is in them, what they publish, where their media lives, and how all of that stays true."""
