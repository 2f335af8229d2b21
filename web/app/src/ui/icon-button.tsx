import type { LucideIcon } from "lucide-react";
import type { ComponentPropsWithRef } from "react";

const TONES = {
  plain: "bg-raised text-ink hover:bg-line",
  ghost: "bg-transparent text-ink hover:bg-raised",
  off: "bg-alarm-soft text-alarm hover:brightness-95",
  active: "bg-accent text-on-accent hover:brightness-110",
  danger: "bg-danger text-on-danger hover:brightness-110",
  overlay: "bg-scrim text-on-scrim hover:bg-danger/0 hover:brightness-125",
} as const;
const SIZES = {
  large: "size-12 rounded-2xl",
  small: "touchable rounded-xl p-1.5",
} as const;

export interface IconButtonProps extends ComponentPropsWithRef<"button"> {
  icon: LucideIcon;
  /** Its name; also shown to who points at it, unless `hint` says more. */
  label: string;
  hint?: string;
  tone?: keyof typeof TONES;
  size?: keyof typeof SIZES;
}

export function IconButton(props: IconButtonProps) {
  const {
    icon: Icon,
    label,
    hint,
    tone = "plain",
    size = "large",
    className = "",
    children,
    ...rest
  } = props;
  return (
    <button
      type="button"
      aria-label={label}
      title={hint ?? label}
      className={`relative grid flex-none place-items-center transition-colors disabled:opacity-45 ${SIZES[size]} ${TONES[tone]} ${className}`}
      {...rest}
    >
      <Icon aria-hidden size={size === "large" ? 22 : 19} strokeWidth={1.9} />
      {children}
    </button>
  );
}
