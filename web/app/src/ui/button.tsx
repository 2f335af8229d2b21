import type { ComponentPropsWithRef } from "react";

const TONES = {
  primary: "bg-accent text-on-accent hover:brightness-110",
  plain: "bg-raised text-ink hover:bg-line",
  danger: "bg-danger text-on-danger hover:brightness-110",
} as const;

export interface ButtonProps extends ComponentPropsWithRef<"button"> {
  tone?: keyof typeof TONES;
  small?: boolean;
}

export function Button({ tone = "plain", small = false, className = "", ...rest }: ButtonProps) {
  const size = small ? "touchable px-3 text-sm" : "min-h-11 px-5";
  return (
    <button
      type="button"
      className={`rounded-xl font-semibold transition-colors disabled:opacity-45 ${size} ${TONES[tone]} ${className}`}
      {...rest}
    />
  );
}
