import { defineConfig } from 'vitest/config';

// Synthesising takes seconds, on a small machine that does other things too half a minute.
export default defineConfig({ test: { testTimeout: 180_000, hookTimeout: 180_000 } });
