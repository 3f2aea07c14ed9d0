import { defineConfig } from "vite";

// Where `npm run dev` finds a running daemon.
const daemon = process.env.OTLPD ?? "http://127.0.0.1:8000";

export default defineConfig({
  // Everything but the page itself lies under /page/, which the daemon serves by name (otlpd/page.py).
  base: "/page/",
  publicDir: false,
  build: {
    outDir: "../otlpd/static",
    assetsDir: "",
    assetsInlineLimit: 0, // the content security policy lets nothing stand inside the page
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    target: "es2022",
    chunkSizeWarningLimit: 300,
    license: { fileName: "licenses.txt" },
  },
  server: { proxy: Object.fromEntries(["/api", "/openapi.json", "/health", "/metrics", "/docs"].map((path) => [path, daemon])) },
});
