/** How long a connection may be `disconnected` before its ICE is restarted: it may come back by itself. */
const PATIENCE_MS = 3000;

/** Tells when the ICE of a connection needs a restart: it has failed, or was away for too long. */
export class IceWatch {
  private patience: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly pc: RTCPeerConnection,
    broken: () => void,
  ) {
    pc.oniceconnectionstatechange = () => {
      clearTimeout(this.patience);
      const { iceConnectionState } = pc;
      if (iceConnectionState === "failed") broken();
      if (iceConnectionState === "disconnected") this.patience = setTimeout(broken, PATIENCE_MS);
    };
  }

  close(): void {
    clearTimeout(this.patience);
    this.pc.oniceconnectionstatechange = null;
  }
}
