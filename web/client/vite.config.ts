import { defineConfig } from "vite";

/** One file beside the page, for pages without a bundler: `import { Room } from "https://…/sdk/nexusvibe.js"`. */
export default defineConfig({
  build: {
    target: "es2022",
    sourcemap: true,
    outDir: "../app/dist/sdk",
    emptyOutDir: true,
    lib: { entry: "src/index.ts", formats: ["es"], fileName: () => "nexusvibe.js" },
  },
});
