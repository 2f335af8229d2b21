# A plugin that is imported by another comes before it, or pytest can't rewrite its assertions.
pytest_plugins = [
    "tests.support.backends",
    "tests.support.redis",
    "tests.support.database",
    "tests.support.browser",
    "tests.support.figures",
]
