import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { Crash } from "./entry/crash.tsx";
import { Equipment } from "./equipment.ts";
import { speak, startSpeaking } from "./i18n/index.ts";
import { preferredOf } from "./i18n/languages.ts";
import { onPreference, preferences } from "./preferences.ts";
import "./style.css";

globalThis.nexusvibe = { room: null };

/** What the person prefers holds for the whole page at once. */
async function applyPreferences(): Promise<void> {
  const { theme, language } = preferences();
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  await speak(language ?? preferredOf(navigator.languages));
}

async function start(): Promise<void> {
  await startSpeaking();
  await applyPreferences();
  onPreference(() => void applyPreferences());
  const root = document.querySelector("#root");
  if (!root) throw new Error("index.html has no #root");
  createRoot(root).render(
    <StrictMode>
      <Crash>
        <App equipment={new Equipment()} />
      </Crash>
    </StrictMode>,
  );
}

void start();
