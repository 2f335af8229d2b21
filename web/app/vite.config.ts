import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";

const TEXT = /\.(js|css|html|svg)$/;

/** Leaves a compressed twin beside each file, once it is as it will be: replicas send it to browsers that take it. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    async writeBundle({ dir = "." }, bundle) {
      const files = Object.keys(bundle).filter((name) => TEXT.test(name));
      await Promise.all(files.map((name) => compress(join(dir, name))));
    },
  };
}

async function compress(file: string): Promise<void> {
  await writeFile(`${file}.gz`, gzipSync(await readFile(file), { level: constants.Z_BEST_COMPRESSION }));
}

export default defineConfig({
  // Relative addresses: the page works under any path of the origin that serves it.
  base: "./",
  plugins: [react(), tailwindcss(), compressed()],
  // The SDK is built from its sources, together with the page.
  resolve: { conditions: ["source", "module", "browser"] },
  build: { target: "es2023", cssTarget: ["chrome123", "firefox128", "safari17.5"], sourcemap: true },
});
