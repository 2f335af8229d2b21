import type { ReactNode } from "react";
import { Brand } from "./brand.tsx";

/** A page with one thing to read and to do. */
export function Card({ children }: { children: ReactNode }) {
  return (
    <main className="grid min-h-full place-items-center p-4 sm:p-8">
      <div className="w-full max-w-md">
        <Brand />
        <div className="mt-4 rounded-3xl border border-line bg-surface p-6 shadow-sm sm:p-8">{children}</div>
      </div>
    </main>
  );
}
