import icon from "../icon.svg";

export function Brand() {
  return (
    <p className="flex items-center gap-2 font-semibold tracking-tight">
      <img src={icon} alt="" width={24} height={24} />
      NexusVibe
    </p>
  );
}
