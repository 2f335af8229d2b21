import * as Radix from "@radix-ui/react-dropdown-menu";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface MenuProps {
  trigger: ReactNode;
  children: ReactNode;
  align?: "start" | "end" | "center";
}

/** Not modal: a modal one writes styles into the page, which its security policy forbids. */
export function Menu({ trigger, children, align = "end" }: MenuProps) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align={align}
          sideOffset={6}
          collisionPadding={8}
          className="z-30 max-h-(--radix-dropdown-menu-content-available-height) min-w-52 animate-appear overflow-y-auto rounded-2xl border border-line bg-surface p-1.5 shadow-xl"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface MenuItemProps {
  icon: LucideIcon;
  children: ReactNode;
  onSelect: () => void;
  danger?: boolean;
  testId?: string;
  className?: string;
}

export function MenuItem({
  icon: Icon,
  children,
  onSelect,
  danger,
  testId,
  className = "flex",
}: MenuItemProps) {
  return (
    <Radix.Item
      data-testid={testId}
      onSelect={onSelect}
      className={`touchable items-center gap-3 rounded-xl px-3 py-2 outline-none data-highlighted:bg-raised ${danger ? "text-alarm" : ""} ${className}`}
    >
      <Icon aria-hidden size={18} className="flex-none" />
      <span>{children}</span>
    </Radix.Item>
  );
}

export function MenuLine() {
  return <Radix.Separator className="my-1.5 h-px bg-line" />;
}
