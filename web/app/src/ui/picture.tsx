import { useCallback, useEffect, useRef } from "react";

interface PictureProps {
  track: MediaStreamTrack | null;
  label: string;
  mirrored?: boolean;
  /** A screen is shown as a whole, a face may be cropped. */
  whole?: boolean;
  hidden?: boolean;
  /** Told of the element, and of null when it goes. */
  onElement?: (video: HTMLVideoElement | null) => void;
}

/** A moving picture without sound, as large as what it is in. */
export function Picture({ track, label, mirrored, whole, hidden, onElement }: PictureProps) {
  const video = useRef<HTMLVideoElement>(null);
  const hold = useCallback(
    (found: HTMLVideoElement | null) => {
      video.current = found;
      onElement?.(found);
    },
    [onElement],
  );

  // The element keeps its stream while tracks come and go: no picture flashes when a call moves.
  useEffect(() => {
    if (!video.current) return;
    const stream =
      video.current.srcObject instanceof MediaStream ? video.current.srcObject : new MediaStream();
    video.current.srcObject = stream;
    for (const old of stream.getTracks()) if (old !== track) stream.removeTrack(old);
    if (track && !stream.getTracks().includes(track)) stream.addTrack(track);
    video.current.play().catch(() => undefined); // the track changed meanwhile, and the element plays the new one
  }, [track]);

  return (
    <video
      ref={hold}
      autoPlay
      playsInline
      muted
      aria-label={label}
      className={`absolute inset-0 size-full ${whole ? "object-contain" : "object-cover"} ${mirrored ? "mirrored" : ""} ${hidden ? "invisible" : ""}`}
    />
  );
}
