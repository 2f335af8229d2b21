import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { en, type Messages } from "./en.ts";
import type { Language } from "./languages.ts";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: Messages };
  }
}

/** English comes with the page, the others when somebody wants them. */
const LOADERS: Record<Exclude<Language, "en">, () => Promise<Messages>> = {
  de: async () => (await import("./de.ts")).de,
  es: async () => (await import("./es.ts")).es,
};

export async function startSpeaking(): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: { en: { translation: en } },
    lng: "en",
    fallbackLng: "en",
    interpolation: { escapeValue: false }, // React escapes
  });
}

/** Says everything in this language from now on; when it can't be loaded, in the one before. */
export async function speak(language: Language): Promise<void> {
  if (language !== "en" && !i18next.hasResourceBundle(language, "translation")) {
    const messages = await LOADERS[language]().catch(() => null);
    if (!messages) return;
    i18next.addResourceBundle(language, "translation", messages);
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}
