import { defineConfig } from "vite";

export default defineConfig({
  // Relative addresses: the page works under any path of the origin that serves it.
  base: "./",
  // The SDK is built from its sources, together with the page.
  resolve: { conditions: ["source", "module", "browser"] },
  build: { target: "es2022", sourcemap: true },
});
