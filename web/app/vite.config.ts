import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { constants, gzipSync } from "node:zlib";

const TEXT = /\.(js|css|html|svg)$/;

/** Leaves a compressed twin beside each file: replicas send it to browsers that take it. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      for (const [name, file] of Object.entries(bundle)) {
        if (!TEXT.test(name)) continue;
        const source = gzipSync(file.type === "chunk" ? file.code : file.source, {
          level: constants.Z_BEST_COMPRESSION,
        });
        this.emitFile({ type: "asset", fileName: `${name}.gz`, source });
      }
    },
  };
}

export default defineConfig({
  // Relative addresses: the page works under any path of the origin that serves it.
  base: "./",
  plugins: [react(), tailwindcss(), compressed()],
  // The SDK is built from its sources, together with the page.
  resolve: { conditions: ["source", "module", "browser"] },
  build: { target: "es2023", cssTarget: ["chrome123", "firefox128", "safari17.5"], sourcemap: true },
});
