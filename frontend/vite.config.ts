import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { DocumentNode } from "graphql";
import { createServer, defineConfig, type Plugin } from "vite";

const COMPRESSIBLE = /\.(js|css|svg)$/;
const SMALLEST_WORTH_COMPRESSING = 1024;

/** Writes a .gz and a .br beside each asset, so that the server never compresses on the way out. */
function precompress(): Plugin {
  let outDir = "";
  return {
    name: "precompress",
    apply: "build",
    configResolved(config) {
      outDir = resolve(config.root, config.build.outDir, "assets");
    },
    closeBundle() {
      for (const name of readdirSync(outDir)) {
        if (!COMPRESSIBLE.test(name)) continue;
        const content = readFileSync(join(outDir, name));
        if (content.length < SMALLEST_WORTH_COMPRESSING) continue;
        writeFileSync(join(outDir, `${name}.gz`), gzipSync(content, { level: 9 }));
        writeFileSync(
          join(outDir, `${name}.br`),
          brotliCompressSync(content, {
            params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
          }),
        );
      }
    },
  };
}

const ENTRY_BYTES_MAX = 180 * 1024;
const CHUNK_BYTES_MAX = 200 * 1024;

/** Fails the build when the dashboard's entry with all that it loads at once, or a chunk that comes later, is too big. */
function holdBudgets(): Plugin {
  return {
    name: "hold-budgets",
    apply: "build",
    generateBundle(_, bundle) {
      const sizes = new Map<string, number>();
      const sizeOf = (name: string): number => {
        const chunk = bundle[name];
        if (chunk?.type !== "chunk") return 0;
        const size = sizes.get(name) ?? gzipSync(chunk.code, { level: 9 }).length;
        sizes.set(name, size);
        return size;
      };
      const follow = (names: readonly string[], found: Set<string>, isLater: boolean): Set<string> => {
        for (const name of names) {
          const chunk = bundle[name];
          if (found.has(name) || chunk?.type !== "chunk") continue;
          found.add(name);
          follow(isLater ? [...chunk.imports, ...chunk.dynamicImports] : chunk.imports, found, isLater);
        }
        return found;
      };
      const entry = Object.values(bundle).find((each) => each.type === "chunk" && each.isEntry && each.name === "index");
      if (entry === undefined) this.error("the dashboard has no entry called index");
      const first = [...follow([entry.fileName], new Set(), false)];
      const firstBytes = first.reduce((sum, name) => sum + sizeOf(name), 0);
      if (firstBytes > ENTRY_BYTES_MAX) this.error(`the entry has ${firstBytes} bytes gzipped, above ${ENTRY_BYTES_MAX}`);
      for (const name of follow([entry.fileName], new Set(), true)) {
        if (sizeOf(name) > CHUNK_BYTES_MAX) this.error(`${name} has ${sizeOf(name)} bytes gzipped, above ${CHUNK_BYTES_MAX}`);
      }
      this.info(`entry ${firstBytes} bytes gzipped in ${first.length} files`);
    },
  };
}

/**
 * Writes documents.json: every document that the dashboard sends, as it sends it, under sha256: and the digest of its
 * text. The server runs these also where it runs nothing else. Beside it rooms.json: the paths that are the dashboard's.
 */
function listDocuments(): Plugin {
  let root = "";
  let outDir = "";
  return {
    name: "list-documents",
    apply: "build",
    configResolved(config) {
      root = config.root;
      outDir = resolve(config.root, config.build.outDir);
    },
    async closeBundle() {
      const { stringifyDocument } = await import("@urql/core");
      const loader = await createServer({
        root,
        configFile: false,
        logLevel: "error",
        optimizeDeps: { noDiscovery: true },
        server: { middlewareMode: true, ws: false, watch: null },
      });
      const listed: Record<string, string> = {};
      try {
        const modules = await Promise.all(documentModules(join(root, "src")).map((path) => loader.ssrLoadModule(path)));
        for (const value of modules.flatMap((exported) => Object.values(exported))) {
          if (!isDocument(value)) continue;
          const text = stringifyDocument(value);
          listed[`sha256:${createHash("sha256").update(text).digest("hex")}`] = text;
        }
        const { ROOMS } = (await loader.ssrLoadModule("/src/app/rooms.ts")) as { ROOMS: readonly { path: string }[] };
        const paths = ROOMS.map((room) => room.path);
        writeFileSync(join(outDir, "rooms.json"), `${JSON.stringify(paths)}\n`);
      } finally {
        await loader.close();
      }
      writeFileSync(join(outDir, "documents.json"), `${JSON.stringify(listed, null, 1)}\n`);
    },
  };
}

function documentModules(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => basename(name) === "documents.ts")
    .map((name) => join(folder, name))
    .toSorted();
}

function isDocument(value: unknown): value is DocumentNode {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "Document";
}

export default defineConfig({
  plugins: [react(), tailwindcss(), holdBudgets(), precompress(), listDocuments()],
  // The server replaces this marker by a fresh nonce in every answer.
  html: { cspNonce: "OMS_CSP_NONCE" },
  build: {
    outDir: "../app/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Monaco is one chunk of its own and loads on /graphiql alone.
    chunkSizeWarningLimit: 4500,
    rollupOptions: { input: { index: "index.html", graphiql: "graphiql.html" } },
  },
  worker: { format: "es" },
  server: { proxy: { "/graphql": { target: "http://127.0.0.1:8000", ws: true } } },
});
