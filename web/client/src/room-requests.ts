import type { Outgoing, Result } from "./connection.ts";
import { Emitter } from "./emitter.ts";
import { ServerError } from "./errors.ts";
import type { ChatMessage, Permissions, Track, TrackSource } from "./generated/protocol.ts";
import { newId } from "./local-track.ts";
import type { RoomEvents } from "./room-events.ts";
import type { RoomState } from "./state.ts";

/** The others are for a whole stay, and can't be changed in the middle of it. */
export type PermissionChanges = Partial<Omit<Permissions, "hidden" | "own_attributes">>;

/** What participants and moderators ask of a room, beside their media. Rejects with `ServerError` when it is refused. */
export abstract class RoomRequests extends Emitter<RoomEvents> {
  /** The room as this participant sees it now. */
  abstract get state(): RoomState;

  /** As `Signaling.deliver`. */
  protected abstract deliver(message: Outgoing): Promise<Result>;

  /** As `Signaling.request`. */
  protected abstract request(message: Outgoing): Promise<Result>;

  /** Resolves when it has been said, once, also when the connection was lost on the way. */
  async sendChat(text: string): Promise<ChatMessage> {
    const result = await this.deliver({ type: "chat", text, nonce: newId("m") });
    if (result.type !== "chat") throw new TypeError(`The server answered a chat with ${result.type}.`);
    return result.message;
  }

  /** What has been said: the room's last 100 messages when it was entered, and everything since. The oldest first. */
  get chat(): readonly ChatMessage[] {
    return this.state.chat;
  }

  /**
   * Sends what may get lost and is kept nowhere, such as a reaction, to everybody who is there now, oneself included, or
   * to those in `to`; they hear `message`. Once and now: rejects with `ConnectionLost` while the connection is away, with
   * `ServerError` for more than ten a second. `topic`: 1 to 64 of `A-Z a-z 0-9 . _ -`; `text`: at most 4,096 characters.
   */
  async sendMessage(topic: string, text: string, to?: readonly string[]): Promise<void> {
    await this.request({ type: "message", topic, text, to: to ? [...to] : null });
  }

  /** Raises this participant's hand, or lowers it. The first to raise it is the first in line. */
  async raiseHand(raised: boolean): Promise<void> {
    await this.deliver({ type: "hand", raised });
  }

  /** Changes some of this participant's attributes; null removes one. Needs the grant `own_attributes`. */
  async setAttributes(attributes: Readonly<Record<string, string | null>>): Promise<void> {
    await this.deliver({ type: "attributes", attributes });
  }

  /** For moderators: lets somebody in who waits in the lobby. */
  async admit(waiting: string): Promise<void> {
    await this.decide({ type: "lobby.admit", participant: waiting });
  }

  /** For moderators: sends somebody away who waits in the lobby. They may come again. */
  async deny(waiting: string): Promise<void> {
    await this.decide({ type: "lobby.deny", participant: waiting });
  }

  /** For moderators: lets nobody new in from now on, or lets them in again. */
  async setLocked(locked: boolean): Promise<void> {
    await this.deliver({ type: "lock", locked });
  }

  /** For moderators. */
  async lowerHand(participant: string): Promise<void> {
    await this.deliver({ type: "hand", raised: false, participant });
  }

  /** For moderators: mutes a source of somebody. Only they can unmute it; to keep it off, change their permissions. */
  async mute(participant: string, source: TrackSource): Promise<void> {
    await this.deliver({ type: "participant.mute", participant, source });
  }

  /** For moderators: ends a track of somebody. They may publish another. */
  async stopTrack({ id, participant }: Pick<Track, "id" | "participant">): Promise<void> {
    await this.deliver({ type: "participant.mute", participant, track: id, stop: true });
  }

  /** For moderators: what somebody may do from now on. Only what is given changes. */
  async setPermissions(participant: string, changes: PermissionChanges): Promise<void> {
    await this.deliver({ type: "permissions", participant, ...changes });
  }

  /**
   * For moderators: ends somebody's stay. The tokens that they hold let nobody in any more, a newer one does. A guest's
   * token is closed, also for others who were given the same.
   */
  async kick(participant: string, reason = ""): Promise<void> {
    await this.remove({ type: "kick", participant, reason });
  }

  /**
   * For moderators: ends somebody's stay and keeps their identity out, for some seconds or for good; with `device` also
   * whoever comes on the same device, as far as it is known.
   */
  async ban(
    participant: string,
    options: { reason?: string; seconds?: number; device?: boolean } = {},
  ): Promise<void> {
    const { reason = "", seconds = null, device = false } = options;
    await this.remove({ type: "ban", participant, reason, for_s: seconds, device });
  }

  private async remove(message: Outgoing & { participant: string }): Promise<void> {
    const { participant } = message;
    const gone = () => !this.state.participants.has(participant) && !this.state.lobby.has(participant);
    await this.deliverUnless(message, gone);
  }

  private async decide(message: Outgoing & { participant: string }): Promise<void> {
    await this.deliverUnless(message, () => !this.state.lobby.has(message.participant));
  }

  /** Said again after a lost connection, when the first may have been heard: nobody is found once it is `done`. */
  private async deliverUnless(message: Outgoing, done: () => boolean): Promise<void> {
    try {
      await this.deliver(message);
    } catch (error) {
      if (!(error instanceof ServerError && error.code === "not_found" && done())) throw error;
    }
  }
}
