import assert from "node:assert/strict";
import { test } from "node:test";

import { existingLayer, spatialLayer, spatialLayers, usableLayers } from "../src/layers.ts";

test("layers are counted from the smallest, however many there are", () => {
  const of = (count: number) => [
    spatialLayer("low", count),
    spatialLayer("medium", count),
    spatialLayer("high", count),
  ];
  assert.deepEqual(of(3), [0, 1, 2]);
  assert.deepEqual(of(2), [0, 0, 1]);
  assert.deepEqual(of(1), [0, 0, 0]);
});

test("a layer that does not arrive gives way to one below, which mediasoup finds by itself", () => {
  assert.equal(existingLayer(2, [10, 10, 0]), 2);
});

test("and to one above when there is none below", () => {
  assert.equal(existingLayer(0, [0, 10, 10]), 1);
  assert.equal(existingLayer(1, [0, 0, 10]), 2);
});

test("while nothing arrives the wish stands", () => {
  assert.equal(existingLayer(1, [0, 0, 0]), 1);
  assert.equal(existingLayer(1, []), 1);
});

test("the number of layers is in the scalability mode", () => {
  assert.equal(spatialLayers([{ scalabilityMode: "L3T3" }]), 3);
  assert.equal(spatialLayers([{ scalabilityMode: "S2T1_KEY" }]), 2);
  assert.equal(spatialLayers([{}]), 1);
  assert.equal(spatialLayers(undefined), 1);
});

test("of AV1 in one stream browsers get the lowest layer only", () => {
  assert.equal(usableLayers("video/AV1", 3), 1);
  assert.equal(usableLayers("video/VP9", 3), 3);
});
