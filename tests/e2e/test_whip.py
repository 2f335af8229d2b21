"""A page of another origin publishes by HTTP with nothing but RTCPeerConnection and fetch; somebody in the room sees
it, also after ICE was restarted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.support.browser import People, Person
from tests.support.replica import Replica, running_system

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# A moving picture of its own; candidates are trickled.
PUBLISH = """
async ([url, token]) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  const drawing = canvas.getContext("2d");
  setInterval(() => {
    drawing.fillStyle = `hsl(${(performance.now() / 10) % 360} 80% 50%)`;
    drawing.fillRect(0, 0, 320, 240);
  }, 66);
  const bearer = { Authorization: `Bearer ${token}` };
  const pc = (window.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" }));
  pc.addTransceiver(canvas.captureStream(15).getVideoTracks()[0], { direction: "sendonly" });
  const gathered = [];
  const complete = new Promise((resolve) => {
    pc.onicecandidate = ({ candidate }) => (candidate?.candidate ? gathered.push(candidate.candidate) : resolve());
  });
  await pc.setLocalDescription();
  const body = pc.localDescription.sdp;
  const posted = await fetch(url, { method: "POST", body, headers: { ...bearer, "Content-Type": "application/sdp" } });
  if (posted.status !== 201) return `POST: ${posted.status}`;
  const resource = new URL(posted.headers.get("location"), url);
  const patch = (condition, fragment) => {
    const headers = { ...bearer, "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": condition };
    return fetch(resource, { method: "PATCH", body: fragment, headers });
  };
  const credentials = () => pc.localDescription.sdp.match(/^a=ice-(ufrag|pwd):.*\\r\\n/gm).slice(0, 2).join("");
  Object.assign(window, { resource, bearer, patch, credentials });
  await pc.setRemoteDescription({ type: "answer", sdp: await posted.text() });
  await complete;
  const candidates = gathered.map((candidate) => `a=${candidate}\\r\\n`).join("");
  const section = `m=video 9 RTP/AVP 0\\r\\na=mid:0\\r\\n${candidates}a=end-of-candidates\\r\\n`;
  const trickled = await patch(posted.headers.get("etag"), credentials() + section);
  return trickled.status === 204 ? "" : `PATCH: ${trickled.status}`;
}
"""
RESTART = """
async () => {
  const before = pc.remoteDescription.sdp;
  pc.restartIce();
  await pc.setLocalDescription();
  const restarted = await patch("*", credentials());
  if (restarted.status !== 200 || !restarted.headers.get("etag")) return `PATCH: ${restarted.status}`;
  const fragment = await restarted.text();
  const of = (name) => fragment.match(new RegExp(`^a=${name}:(.*)\\r\\n`, "m"))[1];
  const sdp = before.replace(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${of("ice-ufrag")}`)
    .replace(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${of("ice-pwd")}`);
  if (sdp === before) return "the media server's credentials are the same";
  await pc.setRemoteDescription({ type: "answer", sdp });
  return "";
}
"""
STOP = "async () => (await fetch(resource, { method: 'DELETE', headers: bearer })).status"


@asynccontextmanager
async def elsewhere() -> AsyncIterator[str]:
    """An empty page of somebody else's server."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Studio</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def publishes(studio: Person, page: str, replica: Replica, identity: str) -> None:
    await studio.opens(page)
    token = replica.token("demo", identity, publish=["camera"])
    assert await studio.evaluate(PUBLISH, [f"{replica.url}/v1/whip", token]) == ""


async def test_a_page_publishes_by_http_and_is_seen_also_after_ice_was_restarted(people: People, backend: str) -> None:
    async with running_system(backend, spare=0) as system, elsewhere() as page:
        (replica,) = system.replicas
        alice, studio = [await people.arrives(name) for name in ("alice", "studio")]
        await alice.joins(replica, "demo")
        await publishes(studio, page, replica, "studio")
        await alice.sees("studio")
        assert await studio.evaluate(RESTART) == ""
        await alice.sees("studio", frames=30)
        assert await studio.evaluate(STOP) == 200
        await alice.does_not_see("studio", seconds=1.0)
        await alice.leaves()
