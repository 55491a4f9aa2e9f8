import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, freemem, totalmem } from 'node:os'
import { add, input, isTpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import { emitModel } from '@tp/onnx'
import { saturatesOn } from '@tp/optimize'
import { type BoundedProcess, boundedProcess } from '@tp/runtime-node/bounded'
import { pruningOptions } from '../arguments/pruning-options.ts'
import { runtimeOption } from '../arguments/run-options.ts'
import { loadMethods } from '../plugins/load-methods.ts'
import { nativeModule, openRuntime } from '../plugins/open-runtime.ts'
import { lines } from '../printing/lines.ts'
import { type Command, command } from './command.ts'
import { EXIT } from './exit-code.ts'

interface DoctorCheck {
  readonly name: string
  readonly ok: boolean
  readonly found: string
  /** The remedy if it is not. */
  readonly advice?: string
}

export const doctorCommand: Command = command({
  options: { plugin: pruningOptions.plugin, ...runtimeOption },
  notes: ['Exit code 1 if something that is needed is missing.'],
  async run(_, { plugin = [], runtime }, { signal }) {
    const checks = [
      await checked('node', checkNode),
      ...(await checkRuntime(runtime, signal)),
      ...(runtime === 'native' ? [] : [await checked('packed files', () => checkNative(signal))]),
      await checked('packages', checkPackages),
      await checked('methods', () => checkMethods(plugin)),
      await checked('machine', describeMachine),
    ]
    const healthy = checks.every(({ ok }) => ok)
    return { content: { healthy, checks }, text: describe(checks), code: healthy ? EXIT.done : EXIT.failed }
  },
})

/** One check; an error is what was found. */
async function checked(
  name: string,
  find: () => Promise<Omit<DoctorCheck, 'name' | 'ok'> & { readonly ok?: boolean }>,
): Promise<DoctorCheck> {
  try {
    return { name, ok: true, ...(await find()) }
  } catch (error) {
    return { name, ok: false, ...failure(error) }
  }
}

async function checkNode(): Promise<Omit<DoctorCheck, 'name'>> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const ok = major > 20 || (major === 20 && minor >= 19)
  const found = `${process.versions.node} (${process.platform} ${process.arch})`
  return { ok, found, ...(!ok && { advice: 'install Node 20.19 or newer' }) }
}

/** A runtime whose libraries another process loads, if they are those of tp: a damaged one ends the process. */
async function openThere(process: BoundedProcess, name = 'node'): Promise<Runtime> {
  if (name === 'node') return process.runtime()
  const module = name === 'native' ? nativeModule() : undefined
  return module === undefined ? await openRuntime(name) : process.runtime(module)
}

async function checkRuntime(name: string | undefined, signal: AbortSignal): Promise<DoctorCheck[]> {
  await using process = boundedProcess(signal)
  let opened: Runtime | undefined
  const first = await checked('runtime', async () => {
    opened = await openThere(process, name)
    const { runtime, version, threads, device, notes } = await opened.diagnose()
    return { found: [`${runtime} ${version}`, `${threads} threads`, device, ...notes].join('; ') }
  })
  const runtime = opened
  if (runtime === undefined || !first.ok) return [first]
  return [
    first,
    // A runtime that can be imported may still fail to compute, so it is tested with a sum.
    await checked('runtime runs', async () => {
      await using session = await runtime.load(emitModel({ y: add(input('x', 'float32', [1]), 1) }))
      const { y } = await session.run({ x: { type: 'float32', dims: [1], data: Float32Array.of(1) } })
      if (y?.data[0] === 2) return { found: 'yes' }
      return { ok: false, found: `1 + 1 gave ${y?.data[0]}`, advice: 'install the runtime again' }
    }),
    // Not wrong, but of consequence for files with 8-bit weights.
    await checked('8-bit products', async () => ({ found: (await saturatesOn(runtime)) ? SATURATING : 'exact' })),
  ]
}

/** The addon that has kernels for packed files need not be installed. */
async function checkNative(signal: AbortSignal): Promise<{ readonly found: string }> {
  await using process = boundedProcess(signal)
  const runtime = await openThere(process, 'native').catch((error: unknown) => {
    if (isTpError(error) && error.code === 'TP_RUNTIME' && isNotFound(error.cause)) return undefined
    throw error
  })
  if (runtime === undefined) return { found: 'run without kernels; @tp/runtime-native has them' }
  const { notes } = await runtime.diagnose()
  return { found: notes.at(-1) ?? 'run' }
}

/** Imports every package that a command may need later. */
async function checkPackages(): Promise<Omit<DoctorCheck, 'name'>> {
  const { dependencies, peerDependencies, peerDependenciesMeta } = manifest()
  const names = Object.keys({ ...dependencies, ...peerDependencies }).filter((name) => name.startsWith('@tp/'))
  const broken: string[] = []
  let count = 0
  for (const name of names) {
    try {
      await import(name)
      count++
    } catch (error) {
      const isMissing = isNotFound(error) && (error as Error).message.includes(`'${name}'`)
      if (isMissing && peerDependenciesMeta[name]?.optional) continue
      broken.push(`${name} (${(error as Error).message})`)
    }
  }
  if (broken.length === 0) return { ok: true, found: `${count} can be loaded` }
  return { ok: false, found: broken.join('; '), advice: 'install @tp/cli and these packages again' }
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>
}

function manifest(): Manifest {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest
}

function isNotFound(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_MODULE_NOT_FOUND'
}

const SATURATING = 'sums saturate: quantize with --reduce-range or --type uint8, which are exact here, too'

async function checkMethods(plugins: readonly string[]): Promise<{ readonly found: string }> {
  const known = await loadMethods(plugins)
  const sources = new Set([...known.values()].map(({ from }) => from))
  return { found: `${known.size}, of ${[...sources].join(', ')}` }
}

async function describeMachine(): Promise<{ readonly found: string }> {
  const processor = cpus()[0]?.model.trim() || 'unknown processor'
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  const memory = `${gib(freemem())} of ${gib(totalmem())} memory free`
  return { found: `${availableParallelism()} × ${processor}, ${memory}` }
}

function failure(error: unknown): { found: string; advice?: string } {
  if (!(error instanceof Error)) return { found: String(error) }
  return isTpError(error) ? { found: `${error.code}`, advice: error.message } : { found: error.message }
}

function describe(checks: readonly DoctorCheck[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length)) + 2
  return lines(
    ...checks.flatMap(({ name, ok, found, advice }) => [
      `${ok ? 'ok     ' : 'missing'}  ${name.padEnd(width)}${found}`,
      advice && `         ${' '.repeat(width)}${advice}`,
    ]),
  )
}
