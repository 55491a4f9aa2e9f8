import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const setupFiles = [path('tools/check/fast-check-seed.mjs')]

/** Tests run real models: next to others, on a slow machine, that takes longer than vitest's defaults of five and ten seconds. */
const limits = { testTimeout: 60_000, hookTimeout: 60_000 }

/** Slow proofs are in files of their own, which `npm test -- exhaustive` adds. */
const exclude = process.env.TP_EXHAUSTIVE
  ? configDefaults.exclude
  : [...configDefaults.exclude, '**/*.exhaustive.test.*']

/** Every package and app is a project under its own name. */
const projects = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(path(parent))
    .map((folder) => path(`${parent}/${folder}`))
    .filter((root) => existsSync(`${root}/package.json`))
    .map((root) => {
      const { name } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { name: string }
      return { root, test: { name, root, setupFiles, exclude, ...limits } }
    }),
)

const tools = {
  root: path('.'),
  test: { name: 'tools', root: path('.'), include: ['tools/**/*.test.{mjs,ts}'], setupFiles, exclude, ...limits },
}

/** Vitest finds this file from any folder below: in that of a package only its own tests are meant. */
const here = projects.filter(({ root }) => `${process.cwd()}/`.startsWith(`${root}/`))

export default defineConfig({ test: { projects: here.length > 0 ? here : [...projects, tools] } })
