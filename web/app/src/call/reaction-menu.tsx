import * as Popover from "@radix-ui/react-popover";
import { Smile } from "lucide-react";
import { useTranslation } from "react-i18next";
import { REACTION_ICONS, REACTIONS } from "../room/reactions.ts";
import { IconButton } from "../ui/icon-button.tsx";
import { useCall } from "./context.ts";

/** Stays open: applause comes more than once. */
export function ReactionMenu() {
  const { t } = useTranslation();
  const { actions } = useCall();
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <IconButton icon={Smile} label={t("call.react")} data-testid="react" />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          side="top"
          sideOffset={8}
          collisionPadding={8}
          aria-label={t("call.react")}
          className="z-30 flex animate-appear gap-1 rounded-2xl border border-line bg-surface p-1.5 shadow-xl"
        >
          {REACTIONS.map((reaction) => (
            <IconButton
              key={reaction}
              icon={REACTION_ICONS[reaction]}
              size="small"
              tone="ghost"
              className="size-11"
              label={t(`reaction.${reaction}`)}
              data-testid={`react-${reaction}`}
              onClick={() => actions.react(reaction)}
            />
          ))}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
