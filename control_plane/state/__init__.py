"""Live state in Redis: `Redis` and its scripts, key names, and which replicas are alive."""

from control_plane.state.client import Redis
from control_plane.state.connection import Arg, Reply
from control_plane.state.errors import RedisReplyError, RedisUnreachable
from control_plane.state.script import Script
from control_plane.state.subscription import Subscription

__all__ = ["Arg", "Redis", "RedisReplyError", "RedisUnreachable", "Reply", "Script", "Subscription"]
