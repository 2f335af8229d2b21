import { type ComponentPropsWithRef, useId } from "react";

const BOX = "min-h-11 w-full rounded-xl border border-line bg-canvas px-3 text-ink disabled:opacity-60";

interface TextFieldProps extends ComponentPropsWithRef<"input"> {
  label: string;
}

export function TextField({ label, className = "", ...rest }: TextFieldProps) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block text-sm font-medium text-quiet">
        {label}
      </label>
      <input id={id} className={`${BOX} read-only:bg-raised`} {...rest} />
    </div>
  );
}

interface ChoiceProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly { readonly value: Value; readonly label: string }[];
  onChoose: (value: Value) => void;
  disabled?: boolean;
}

/** The browser's own: on a phone it opens the picker that people know. */
export function Choice<Value extends string>({
  label,
  value,
  options,
  onChoose,
  disabled,
}: ChoiceProps<Value>) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium text-quiet">
        {label}
      </label>
      <select
        id={id}
        className={BOX}
        value={value}
        disabled={disabled}
        onChange={({ target }) => onChoose(target.value as Value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

interface SwitchProps {
  label: string;
  hint: string;
  on: boolean;
  onChange: (on: boolean) => void;
}

export function Switch({ label, hint, on, onChange }: SwitchProps) {
  const id = useId();
  return (
    <label className="flex min-h-11 items-center justify-between gap-4 py-1">
      <span>
        <span className="block font-medium">{label}</span>
        <span id={id} className="block text-sm text-quiet">
          {hint}
        </span>
      </span>
      <input
        type="checkbox"
        role="switch"
        aria-describedby={id}
        aria-label={label}
        checked={on}
        onChange={({ target }) => onChange(target.checked)}
        className="size-6 flex-none accent-accent"
      />
    </label>
  );
}
