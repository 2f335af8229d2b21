"""Whatever somebody sends, the API answers as its own description says."""

import asyncio
import sys
from pathlib import Path

from tests.control_plane.http.conftest import ApiClient

CASES = 40
SECONDS = 90


async def test_no_request_is_answered_by_a_fault_or_by_what_is_not_documented(api: ApiClient, tmp_path: Path) -> None:
    argv = ["run", f"{api.url}/v1/openapi.json", "-H", f"Authorization: Bearer {api.key}", "--checks", "all"]
    argv += ["--max-examples", str(CASES), "--seed", "1", "--warnings", "off", "--request-timeout", "10"]
    fuzzer = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"), *argv,
        cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await fuzzer.communicate()
    finally:
        if fuzzer.returncode is None:
            fuzzer.kill()
            await fuzzer.wait()
    assert fuzzer.returncode == 0, output.decode()
