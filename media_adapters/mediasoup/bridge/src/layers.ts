// Which spatial layer of a simulcast or SVC track is asked for. mediasoup counts them from 0, the smallest.

import type { Layer } from "./protocol.ts";

/** The layer's number in a track that has `count` of them. */
export function spatialLayer(layer: Layer, count: number): number {
  const best = count - 1;
  return { high: best, medium: best >> 1, low: 0 }[layer];
}

/**
 * The layer to ask for when `wanted` is wanted and the publisher's streams have these scores (0: does not arrive).
 * Browsers send fewer layers than offered when the picture is small, and mediasoup sends nothing at all when neither
 * the preferred layer nor one below it is there: then the next one up that is.
 */
export function existingLayer(wanted: number, scores: number[]): number {
  if (scores.slice(0, wanted + 1).some((score) => score > 0)) return wanted;
  const up = scores.findIndex((score) => score > 0);
  return up === -1 ? wanted : up;
}

/**
 * How many of an SVC stream's layers can be asked for. Of AV1 only the lowest: to put the others together a browser
 * needs the dependency descriptor, which mediasoup takes from publishers and does not pass on.
 */
export function usableLayers(mimeType: string, count: number): number {
  return mimeType.toLowerCase() === "video/av1" ? 1 : count;
}

/** How many spatial layers a scalability mode has (`L3T3`, `S2T1`; none given: one). */
export function spatialLayers(encodings: { scalabilityMode?: string | undefined }[] | undefined): number {
  return Number(/^[LS](\d+)T/.exec(encodings?.[0]?.scalabilityMode ?? "")?.[1] ?? 1);
}
