"""Commands for operators, one module for each family. `add(commands)` of each brings its commands and their help."""
