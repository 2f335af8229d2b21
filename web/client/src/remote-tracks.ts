import type { Participant, Track } from "./generated/protocol.ts";
import type { RoomState } from "./state.ts";

/** A track of somebody else that this client receives. */
export interface RemoteTrack {
  readonly track: Track;
  readonly participant: Participant;
  readonly mediaTrack: MediaStreamTrack;
}

/** One placement's view: which tracks it has, and whether their media flow there. */
export interface TrackSupply {
  readonly tracks: ReadonlyMap<string, RTCRtpReceiver>;
  flows(track: string): boolean;
}

/**
 * Which receiver shows each track of the room now. `supplies` are the living placements, the newest first: a track
 * stays with the older one until its media flow in the newer.
 */
export function chooseReceivers(
  room: RoomState,
  me: string,
  supplies: readonly TrackSupply[],
): ReadonlyMap<string, RTCRtpReceiver> {
  const chosen = new Map<string, RTCRtpReceiver>();
  for (const track of room.tracks.values()) {
    if (track.participant === me || !room.participants.has(track.participant)) continue;
    const having = supplies.filter((supply) => supply.tracks.has(track.id));
    const supply = having.find((candidate) => candidate.flows(track.id)) ?? having.at(-1);
    const receiver = supply?.tracks.get(track.id);
    if (receiver) chosen.set(track.id, receiver);
  }
  return chosen;
}
