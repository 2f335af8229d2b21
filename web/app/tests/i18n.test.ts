import { expect, test } from "vitest";
import { de } from "../src/i18n/de.ts";
import { en } from "../src/i18n/en.ts";
import { es } from "../src/i18n/es.ts";
import { preferredOf } from "../src/i18n/languages.ts";

interface Tree {
  readonly [key: string]: string | Tree;
}

function texts(tree: Tree, prefix = ""): Map<string, string> {
  return new Map(
    Object.entries(tree).flatMap(([key, value]) =>
      typeof value === "string" ? [[prefix + key, value]] : [...texts(value, `${prefix}${key}.`)],
    ),
  );
}

const slotsOf = (text: string) => (text.match(/\{\{\w+\}\}|<\/?\w+>/g) ?? []).sort();
const english = texts(en);

test.each([
  ["German", de],
  ["Spanish", es],
])("%s says everything that English says, with the same slots, and nothing else", (_, language) => {
  const translated = texts(language);
  expect([...translated.keys()]).toEqual([...english.keys()]);
  for (const [key, text] of translated) {
    expect(text.trim(), key).not.toBe("");
    expect(slotsOf(text), key).toEqual(slotsOf(english.get(key) ?? ""));
  }
});

test("sentences are translated, not copied", () => {
  const sentences = [...english].filter(([, text]) => text.split(" ").length > 3);
  for (const language of [de, es]) {
    const translated = texts(language);
    expect(sentences.filter(([key, text]) => translated.get(key) === text)).toEqual([]);
  }
});

test("the first of somebody's languages that we speak is spoken, and else English", () => {
  expect(preferredOf(["fr-CA", "de-AT", "en-GB"])).toBe("de");
  expect(preferredOf(["es-419"])).toBe("es");
  expect(preferredOf(["ja"])).toBe("en");
  expect(preferredOf([])).toBe("en");
});
