import { type SubmitEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { prefer, preferences } from "../preferences.ts";
import { Button } from "../ui/button.tsx";
import { TextField } from "../ui/fields.tsx";

interface JoinFormProps {
  /** The name that the invitation gives; null leaves it to the person. */
  name: string | null;
  joining: boolean;
  onJoin: (name: string) => void;
}

export function JoinForm({ name: given, joining, onJoin }: JoinFormProps) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState(preferences().name);
  const [missing, setMissing] = useState(false);
  const name = given ?? chosen;

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const wanted = name.trim();
    setMissing(wanted === "");
    if (wanted === "") return;
    if (given === null) prefer({ name: wanted });
    onJoin(wanted);
  };

  return (
    <form onSubmit={submit} noValidate className="mt-5 flex flex-col gap-3">
      <TextField
        label={t("lobby.name")}
        data-testid="name-input"
        name="name"
        maxLength={64}
        autoComplete="nickname"
        placeholder={t("lobby.namePlaceholder")}
        value={name}
        readOnly={given !== null || joining}
        aria-invalid={missing}
        aria-describedby="name-note"
        onChange={({ target }) => {
          setChosen(target.value);
          setMissing(false);
        }}
      />
      <p id="name-note" className="text-sm text-alarm empty:hidden" role="alert" data-testid="notice">
        {missing ? t("lobby.nameMissing") : null}
      </p>
      {given !== null && <p className="-mt-2 text-sm text-quiet">{t("lobby.nameGiven")}</p>}
      <Button type="submit" tone="primary" data-testid="join" disabled={joining}>
        {t(joining ? "lobby.joining" : "lobby.join")}
      </Button>
      {!joining && <p className="text-sm text-quiet">{t("lobby.hint")}</p>}
    </form>
  );
}
