"""Which programs make up the system on one machine, and what each is told."""

import json
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from control_plane.up.child import Program
from control_plane.up.keys import Keys

NODE_ID = "local"


@dataclass(frozen=True)
class Layout:
    """Where everything is: `run_dir` is private to this run, and short, because socket paths end at 107 bytes."""

    run_dir: Path
    keys: Keys
    port: int
    web_root: Path
    database_url: str

    @property
    def redis_socket(self) -> Path:
        return self.run_dir / "redis.sock"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def redis(layout: Layout) -> Program:
    argv = ["redis-server", "--port", "0", "--unixsocket", str(layout.redis_socket), "--unixsocketperm", "700"]
    argv += ["--save", "", "--appendonly", "no", "--dir", str(layout.run_dir), "--loglevel", "warning"]
    return Program("redis", tuple(argv), layout.run_dir, {}, grace=0.5, quiet=True)


def node(layout: Layout, sfu: str) -> Program:
    """The agent with the media server that `sfu` names."""
    # As root the agent runs Janus as another user, who must be able to pass through the folders above.
    env = {
        "NEXUSVIBE_NODE_ID": NODE_ID,
        "NEXUSVIBE_NODE_KEY_FILE": str(layout.keys.node_key_file),
        "NEXUSVIBE_NODE_CONTROL_PUBLIC_KEY": layout.keys.control_public_key,
        "NEXUSVIBE_NODE_CONTROL_URLS": layout.url,
        "NEXUSVIBE_NODE_HOST": "127.0.0.1",
        "NEXUSVIBE_NODE_PORT": "0",
        "NEXUSVIBE_NODE_BACKEND": sfu,
        "NEXUSVIBE_NODE_RUN_DIR": str(layout.run_dir / "node"),
    }
    if not has_network():
        env["NEXUSVIBE_NODE_MEDIA_ADDRESS"] = "127.0.0.1"
    return Program("node", (sys.executable, "-m", "media_adapters.agent"), layout.run_dir, env, grace=2.0)


def replica(layout: Layout) -> Program:
    env = {
        "NEXUSVIBE_HOST": "127.0.0.1",
        "NEXUSVIBE_PORT": str(layout.port),
        "NEXUSVIBE_REDIS_URL": f"unix://{layout.redis_socket}",
        "NEXUSVIBE_REDIS_CLUSTER": "false",
        "NEXUSVIBE_DATABASE_URL": layout.database_url,
        "NEXUSVIBE_SECRETS_DIR": str(layout.keys.replica_secrets),
        "NEXUSVIBE_TRUSTED_NODES": json.dumps({NODE_ID: layout.keys.node_public_key}),
        "NEXUSVIBE_WEB_ROOT": str(layout.web_root),
        # What somebody tries out on this machine may show rooms, whatever its port.
        "NEXUSVIBE_EMBED_ORIGINS": os.environ.get("NEXUSVIBE_EMBED_ORIGINS", '["http://localhost:*"]'),
    }
    return Program("replica", (sys.executable, "-m", "control_plane", "serve"), layout.run_dir, env, grace=2.0)


def has_network() -> bool:
    """Whether this machine has an address beside loopback that media could come from. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1 (RFC 5737); UDP connect only looks the route up
        except OSError:
            return False
        return True
