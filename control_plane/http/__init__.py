"""The HTTP shell: which paths there are, health, and the web client's files."""
