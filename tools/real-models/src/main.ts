import { statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { isTpError } from '@tp/core'
import { installModel } from './install-model.ts'
import { modelCache, realModel } from './model-cache.ts'
import { type RealModelName, realModelNames, realModels } from './real-model.ts'

const HELP = `Puts published models into a cache outside the project, for tests and measurements that use them where they are.

  npm run models                  # all that are not there yet
  npm run models -- NAME...       # these
  npm run models -- list          # what there is

It needs Python 3.11 or newer: pip fetches packages that hold the weights, checked by hash, and optimum exports them to ONNX. For
the export PyTorch is installed into the cache, too: some 100 MB, or 3 GB with CUDA, as pip's index on Linux has it by default.
TP_MODELS names another folder for the cache, TP_PYTHON another Python.
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
    streams.stderr.write(`There is no model ${unknown.join(', ')}; there are ${realModelNames.join(', ')}.\n`)
    return 2
  }
  const names = positionals.length > 0 ? positionals.filter(isName) : realModelNames
  const { signal, done } = onInterruption()
  try {
    return await installAll(names, streams, signal)
  } finally {
    done()
  }
}

function isName(name: string): name is RealModelName {
  return name in realModels
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

/** Models do not depend on each other: the next is tried after one that fails. */
async function installAll(names: readonly RealModelName[], streams: Streams, signal: AbortSignal): Promise<number> {
  let code = 0
  for (const name of names) {
    if (!(await install(name, streams, signal))) code = 1
    if (signal.aborted) return 130
  }
  return code
}

/** @returns whether the model is there */
async function install(name: RealModelName, { stdout, stderr }: Streams, signal: AbortSignal): Promise<boolean> {
  const { license, source } = realModels[name]
  try {
    if (realModel(name) === undefined) {
      await installModel(name, { onProgress: (step) => stderr.write(`${name}: ${step}\n`), signal })
    }
    stdout.write(`${name}: ${realModel(name)}, license ${license} (${source})\n`)
    return true
  } catch (error) {
    if (!isTpError(error)) throw error
    stderr.write(`${name}: ${error.message}\n`)
    return false
  }
}

/** A table of all models. */
function listed(): string {
  const width = Math.max(...realModelNames.map((name) => name.length))
  const rows = realModelNames.map((name) => {
    const { what, license } = realModels[name]
    return `${name.padEnd(width)}  ${sizeOf(realModel(name)).padStart(8)}  ${license.padEnd(10)}  ${what}\n`
  })
  return `${modelCache()}\n\n${rows.join('')}`
}

function sizeOf(path: string | undefined): string {
  return path === undefined ? 'missing' : `${(statSync(path).size / 1e6).toFixed(0)} MB`
}
