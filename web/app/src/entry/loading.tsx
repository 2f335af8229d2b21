import { useTranslation } from "react-i18next";

export function Loading() {
  const { t } = useTranslation();
  return (
    <main className="grid h-full place-items-center text-quiet" aria-busy>
      {t("common.loading")}
    </main>
  );
}
