"""Is this adapter done? A suite that proves any `MediaNode` against the whole contract, on real media.

`suite` has what an integrator subclasses, one module per topic what it tests; `people`, `stage`, `signs`, `receiver`
are those who call each other in it. `plugin` prints the capabilities and skips at the end of a run.

Needs the extra `nexusvibe[conformance]`: aiortc is the other end of every call.
"""
