import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["client/tests/**/*.test.ts", "app/tests/**/*.test.ts", "api/typescript/tests/**/*.test.ts"],
  },
});
