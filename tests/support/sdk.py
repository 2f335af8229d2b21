"""People who use the SDK without our page.

`window.nexusvibe` has their `room` and their `devices`; why one of these was switched is in `switches`. Sound is played
by the SDK.
"""

from collections.abc import Sequence
from typing import Any

from tests.support.browser import Person
from tests.support.replica import Replica

_JOIN = """
async ([servers, token, publishes]) => {
  const sdk = await import("/sdk/nexusvibe.js");
  const room = new sdk.Room(servers, { playSound: true });
  const devices = new sdk.Devices();
  const switches = [];
  window.nexusvibe = { room, devices, switches };
  devices.on("switched", (_, reason) => switches.push(reason));
  room.on("error", (error) => console.error(`${error.code}: ${error.message}`));
  for (const kind of publishes) room.publishDevice(await devices.open(kind));
  await room.join({ token });
}
"""
# Keeps what the client says to the server.
_LISTEN_IN = """
() => {
  window.testSent = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    window.testSent.push(JSON.parse(text));
    return send.call(this, text);
  };
}
"""


class SdkUser(Person):
    """Somebody on a page that has the SDK and nothing else."""

    async def joins_with_the_sdk(
        self, replica: Replica, *publishes: str, others: Sequence[str] = (), **grants: Any
    ) -> None:
        """Enter the room `demo`, sending the `camera` or `microphone` or both. `others` are websocket URLs
        of further replicas."""
        token = replica.token("demo", self.name, self.name, **grants)
        await self.opens(f"{replica.url}/sdk/nexusvibe.js")  # the browser's own view of a text: a page without a script
        await self.evaluate(_LISTEN_IN)
        await self.evaluate(_JOIN, [[replica.ws_url, *others], token, list(publishes)])

    async def receives(self, other: str, kind: str) -> None:
        """More of the other's `video` or `audio` arrives."""
        counter, growth = ("framesDecoded", 5) if kind == "video" else ("packetsReceived", 10)
        await self._grows(other, kind, counter, growth)

    async def until(self, condition: str, otherwise: str) -> None:
        """A condition in JavaScript comes to hold."""
        await self._holds(condition, otherwise)

    async def offers(self) -> int:
        """How many offers this person's client has made by now."""
        sent = "window.testSent.filter(({ type, pc }) => type === 'description' && pc === 'publisher').length"
        count: int = await self.evaluate(sent)
        return count
