"""Why an agent can't start or go on, as one sentence that says what to do."""


class AgentFailed(Exception):
    pass


class SfuFailed(AgentFailed):
    """The media server did not come up, or is gone."""
