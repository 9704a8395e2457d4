import { defineConfig } from "vitest/config";

export default defineConfig({
  build: {
    target: "es2022",
    // Colours are written once with light-dark(): older browsers than these do not know it.
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    // The content policy refuses nothing here, but a favicon must stay a file.
    assetsInlineLimit: 0,
    // One chunk: no preload script has to be injected.
    modulePreload: false,
  },
  test: { environment: "jsdom", include: ["tests/**/*.test.ts"] },
});
