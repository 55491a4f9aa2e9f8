import { statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { isTpError } from '@tp/core'
import { modelCache, realModel, realSuite, trainedModel } from './cache.ts'
import { installModel } from './models/install-model.ts'
import { realModelNames, realModels } from './models/published.ts'
import type { RealModelName } from './models/real-model.ts'
import { installSuite } from './suites/install-suite.ts'
import { suiteNames, suites } from './suites/published.ts'
import type { SuiteName } from './suites/suite.ts'
import { installTrained } from './trained/install-trained.ts'
import { trainedModelNames, trainedModels } from './trained/models.ts'
import type { TrainedModelName } from './trained/trained-model.ts'

const HELP = `Puts published models and suites of data into a cache outside the project, for tests and measurements that use them where they are.

  npm run models                  # all that are not there yet
  npm run models -- NAME...       # these
  npm run models -- list          # what there is

It needs Python 3.11 or newer: pip fetches packages that hold the weights, checked by hash, and optimum exports them to ONNX. For
the export PyTorch is installed into the cache, too: some 100 MB, or 3 GB with CUDA, as pip's index on Linux has it by default.
Data come from public repositories on GitHub, by git: each at a fixed commit, whose hash pins every file. TP_CLONES names a folder
of clones (owner+name) that are used instead, where there is no network. TP_MODELS names another folder for the cache, TP_PYTHON
another Python.
`

const INTERRUPTIONS = ['SIGINT', 'SIGTERM'] as const

/** Where it prints. */
interface Streams {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

/** @returns the exit code */
export async function main(args: readonly string[], streams: Streams = process): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    streams.stdout.write(HELP)
    return 0
  }
  if (positionals.length === 1 && positionals[0] === 'list') {
    streams.stdout.write(listed())
    return 0
  }
  const unknown = positionals.filter((name) => !isName(name))
  if (unknown.length > 0) {
    const models = [...realModelNames, ...trainedModelNames].join(', ')
    const there = `the models ${models} and the data ${suiteNames.join(', ')}`
    streams.stderr.write(`There is no ${unknown.join(', ')}; there are ${there}.\n`)
    return 2
  }
  const names = positionals.length > 0 ? positionals.filter(isName) : all
  const { signal, done } = onInterruption()
  try {
    return await installAll(names, streams, signal)
  } finally {
    done()
  }
}

/** A model or a suite of data. */
type Name = RealModelName | SuiteName | TrainedModelName

/** In an order in which each finds what it requires. */
const all: readonly Name[] = [...suiteNames, ...realModelNames, ...trainedModelNames]

function isName(name: string): name is Name {
  return all.some((own) => own === name)
}

function isSuite(name: Name): name is SuiteName {
  return name in suites
}

function isTrained(name: Name): name is TrainedModelName {
  return name in trainedModels
}

/** Ends what runs, which then cleans up, instead of this process. */
function onInterruption(): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  for (const name of INTERRUPTIONS) process.on(name, abort)
  return {
    signal: controller.signal,
    done() {
      for (const name of INTERRUPTIONS) process.off(name, abort)
    },
  }
}

/** The next is tried after one that fails. */
async function installAll(names: readonly Name[], streams: Streams, signal: AbortSignal): Promise<number> {
  let code = 0
  for (const name of names) {
    if (!(await install(name, streams, signal))) code = 1
    if (signal.aborted) return 130
  }
  return code
}

/** @returns whether it is there */
async function install(name: Name, { stdout, stderr }: Streams, signal: AbortSignal): Promise<boolean> {
  const onProgress = (step: string): unknown => stderr.write(`${name}: ${step}\n`)
  try {
    if (pathOf(name) === undefined) {
      if (isSuite(name)) await installSuite(name, signal)
      else if (isTrained(name)) await installTrained(name, { onProgress, signal })
      else await installModel(name, { onProgress, signal })
    }
    stdout.write(`${name}: ${pathOf(name)}, license ${factsOf(name).license} (${sourceOf(name)})\n`)
    return true
  } catch (error) {
    if (!isTpError(error)) throw error
    stderr.write(`${name}: ${error.message}\n`)
    return false
  }
}

function pathOf(name: Name): string | undefined {
  if (isSuite(name)) return realSuite(name)
  return isTrained(name) ? trainedModel(name) : realModel(name)
}

function factsOf(name: Name): { readonly what: string; readonly license: string } {
  if (isSuite(name)) return suites[name]
  return isTrained(name) ? trainedModels[name] : realModels[name]
}

function sourceOf(name: Name): string {
  if (isSuite(name)) return `github ${suites[name].repository}`
  return isTrained(name)
    ? `${trainedModels[name].base}, trained on ${trainedModels[name].data}`
    : realModels[name].source
}

/** A table of all models and data. */
function listed(): string {
  const width = Math.max(...all.map((name) => name.length))
  const rows = all.map((name) => {
    const { what, license } = factsOf(name)
    const size = isSuite(name) && realSuite(name) ? 'data' : sizeOf(pathOf(name))
    return `${name.padEnd(width)}  ${size.padStart(8)}  ${license.padEnd(10)}  ${what}\n`
  })
  return `${modelCache()}\n\n${rows.join('')}`
}

function sizeOf(path: string | undefined): string {
  return path === undefined ? 'missing' : `${(statSync(path).size / 1e6).toFixed(0)} MB`
}
