import { useTranslation } from "react-i18next";
import { LANGUAGE_NAMES, LANGUAGES } from "../i18n/languages.ts";
import { prefer } from "../preferences.ts";

/** Each language in its own words, so that who can't read the page finds theirs. */
export function LanguageChoice() {
  const { i18n } = useTranslation();
  return (
    <ul className="mt-4 -ml-2 flex flex-wrap gap-1">
      {LANGUAGE_NAMES.map((language) => (
        <li key={language}>
          <button
            type="button"
            lang={language}
            aria-pressed={i18n.language === language}
            onClick={() => prefer({ language })}
            className="touchable rounded-lg px-2 text-sm text-quiet underline-offset-4 hover:underline aria-pressed:font-semibold aria-pressed:text-ink"
          >
            {LANGUAGES[language]}
          </button>
        </li>
      ))}
    </ul>
  );
}
