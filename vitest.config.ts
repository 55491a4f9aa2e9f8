import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const setupFiles = [path('tools/check/fast-check-seed.mjs')]

/** Tests run real models: beside others, on a slow machine, that takes longer than the five and ten seconds that are the rule. */
const limits = { testTimeout: 60_000, hookTimeout: 60_000 }

/** Every package and app is a project under its own name. */
const projects = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(path(parent))
    .map((folder) => path(`${parent}/${folder}`))
    .filter((root) => existsSync(`${root}/package.json`))
    .map((root) => {
      const { name } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { name: string }
      return { root, test: { name, root, setupFiles, ...limits } }
    }),
)

/** One run for the whole workspace; in the folder of a package, `npx vitest` runs its tests alone. */
export default defineConfig({
  test: {
    projects: [...projects, { test: { name: 'tools', include: ['tools/**/*.test.{mjs,ts}'], setupFiles, ...limits } }],
  },
})
