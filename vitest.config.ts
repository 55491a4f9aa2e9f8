import { defineConfig } from 'vitest/config'

/** One run for the whole workspace; in the folder of a package, `npx vitest` runs its tests alone. */
export default defineConfig({
  test: { projects: ['packages/*', 'apps/*', { test: { name: 'tools', include: ['tools/**/*.test.{mjs,ts}'] } }] },
})
