"""What operators see of a replica: its figures, how it is, and traces of joins. It looks at the areas; none of them
knows it."""
