/** Each named by itself. */
export const LANGUAGES = { en: "English", de: "Deutsch", es: "Español" } as const;
export type Language = keyof typeof LANGUAGES;

export const LANGUAGE_NAMES = Object.keys(LANGUAGES) as readonly Language[];

/** The first of somebody's languages that we speak. */
export function preferredOf(languages: readonly string[]): Language {
  const known = languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return known.flatMap((tag) => LANGUAGE_NAMES.filter((language) => language === tag))[0] ?? "en";
}
