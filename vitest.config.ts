import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
/** `npm test -- exhaustive` also runs the slow proofs: files of their own, and tests that are tagged. */
const isExhaustive = Boolean(process.env.TP_EXHAUSTIVE)
const exclude = isExhaustive ? configDefaults.exclude : [...configDefaults.exclude, '**/*.exhaustive.test.*']
const timeout = isExhaustive ? 240_000 : 60_000
const tags = [
  { name: 'exhaustive', description: 'Takes long; only npm test -- exhaustive runs it', skip: !isExhaustive },
]

const common = {
  setupFiles: [path('tools/check/fast-check-seed.mjs'), path('tools/check/equal-bytes.mjs')],
  exclude,
  // Other packages as node reads them: what is built needs no transforming, and that took a third of the time of a start.
  server: { deps: { external: [/\/(packages|tools|apps)\/[^/]+\/dist\//] } },
  tags,
  // Tests run real models: next to others, on a slow machine, that takes longer than the usual ten, five and one seconds.
  testTimeout: timeout,
  hookTimeout: timeout,
  expect: { poll: { timeout: timeout / 3 } },
  // Files share a process, since a new one loads the packages and onnxruntime again for each. They leave nothing behind.
  isolate: false,
}

/** Every package and app is a project under its own name. */
const projects = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(path(parent))
    .map((folder) => path(`${parent}/${folder}`))
    .filter((root) => existsSync(`${root}/package.json`))
    .map((root) => {
      const { name } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { name: string }
      return { root, test: { name, root, ...common } }
    }),
)

const tools = {
  root: path('.'),
  test: { name: 'tools', root: path('.'), include: ['tools/**/*.test.{mjs,ts}'], ...common },
}

/** Starts with the file that takes longest: as the last one it would run alone. */
class DemoFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isDemo = ({ project }: TestSpecification): boolean => project.name === 'demo'
    return [...sorted.filter(isDemo), ...sorted.filter((file) => !isDemo(file))]
  }
}

/** Vitest finds this file from any folder below: in that of a package only its own tests are meant. */
const here = projects.filter(({ root }) => `${process.cwd()}/`.startsWith(`${root}/`))

// One more than there are processors: a third of the time a worker waits, for a page, a process, or code to be transformed.
export default defineConfig({
  test: {
    projects: here.length > 0 ? here : [...projects, tools],
    tags,
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: DemoFirst },
    // Of files that have not changed the next run reads what this one made of their TypeScript.
    experimental: { fsModuleCache: true },
  },
})
