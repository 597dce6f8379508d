import { defineConfig } from 'vitest/config';

// Synthesising takes seconds on a small machine.
export default defineConfig({ test: { testTimeout: 60_000, hookTimeout: 60_000 } });
