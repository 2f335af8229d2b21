import type { Person, Picture } from "./people.ts";

/** One picture on the stage. */
export interface Tile {
  /** The same as long as it shows the same of the same person. */
  readonly key: string;
  readonly person: Person;
  readonly kind: "camera" | "screen";
  readonly picture: Picture;
}

export interface Focus {
  /** The tile that this person has chosen to see large. */
  readonly pinned: string | null;
  /** Who speaks is shown large. */
  readonly spotlight: boolean;
  readonly speaker: string | null;
}

/** A tile for everybody who can be seen, and one for each screen. */
export function tilesOf(people: readonly Person[]): readonly Tile[] {
  const screens = people.flatMap((person) =>
    person.screen
      ? [{ key: `screen:${person.id}`, person, kind: "screen" as const, picture: person.screen }]
      : [],
  );
  const cameras = people
    .filter(({ role }) => role !== "player")
    .map((person) => ({ key: person.id, person, kind: "camera" as const, picture: person.camera }));
  return [...screens, ...cameras];
}

/** Which tile is large: the pinned one, else a screen, else who speaks if that is wished; null: all are alike. */
export function featuredOf(tiles: readonly Tile[], { pinned, spotlight, speaker }: Focus): string | null {
  const has = (key: string | null) => key !== null && tiles.some((tile) => tile.key === key);
  if (has(pinned)) return pinned;
  const screen = tiles.find(({ kind }) => kind === "screen");
  if (screen) return screen.key;
  if (!spotlight) return null;
  if (has(speaker)) return speaker;
  return (tiles.find(({ person }) => !person.self) ?? tiles[0])?.key ?? null;
}
