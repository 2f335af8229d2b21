import { type SubmitEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { invitationIn } from "../address.ts";
import { Button } from "../ui/button.tsx";
import { TextField } from "../ui/fields.tsx";

/** Where an invitation is pasted. One to another server leads there. */
export function InvitationForm() {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [invalid, setInvalid] = useState(false);

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const link = invitationIn(text);
    setInvalid(link === null);
    if (link) location.assign(link);
  };

  return (
    <form onSubmit={submit} noValidate className="mt-5">
      <div className="flex items-end gap-2">
        <TextField
          className="min-w-0 flex-1"
          label={t("landing.link")}
          data-testid="invitation"
          type="url"
          inputMode="url"
          autoComplete="off"
          spellCheck={false}
          placeholder="https://…"
          value={text}
          aria-invalid={invalid}
          aria-describedby={invalid ? "invitation-invalid" : undefined}
          onChange={({ target }) => {
            setText(target.value);
            setInvalid(false);
          }}
        />
        <Button type="submit" tone="primary" data-testid="open-invitation">
          {t("landing.open")}
        </Button>
      </div>
      {invalid && (
        <p id="invitation-invalid" role="alert" className="mt-2 text-sm text-alarm">
          {t("landing.invalid")}
        </p>
      )}
    </form>
  );
}
