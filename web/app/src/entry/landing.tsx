import { Trans, useTranslation } from "react-i18next";
import { Heading } from "../ui/heading.tsx";
import { Card } from "./card.tsx";
import { InvitationForm } from "./invitation-form.tsx";
import { LanguageChoice } from "./language-choice.tsx";

/** Opened without an invitation. Servers let in who brings one, and nobody else. */
export function Landing() {
  const { t } = useTranslation();
  return (
    <Card>
      <Heading>{t("landing.title")}</Heading>
      <p className="mt-2 text-quiet">{t("landing.intro")}</p>
      <InvitationForm />
      <p className="mt-6 border-t border-line pt-4 text-sm text-quiet">
        <Trans
          i18nKey="landing.operators"
          components={{ code: <code className="rounded bg-raised px-1" /> }}
        />
      </p>
      <LanguageChoice />
    </Card>
  );
}
