import { availableParallelism, cpus, freemem, totalmem } from 'node:os'
import { add, input, isTpError } from '@tp/core'
import type { Diagnosis, Runtime } from '@tp/core/runtime'
import { emitModel } from '@tp/onnx'
import { pruningOptions } from '../arguments/pruning-options.ts'
import { runtimeOption } from '../arguments/runtime-option.ts'
import { loadMethods } from '../plugins/load-methods.ts'
import { openRuntime } from '../plugins/open-runtime.ts'
import { saturatesHere } from '../quantizing/quantize-file.ts'
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
  async run(_, { plugin = [], runtime }) {
    const checks = [checkNode(), ...(await checkRuntime(runtime)), await checkMethods(plugin), machine()]
    const healthy = checks.every(({ ok }) => ok)
    return { content: { healthy, checks }, text: describe(checks), code: healthy ? EXIT.done : EXIT.failed }
  },
})

function checkNode(): DoctorCheck {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const ok = major > 20 || (major === 20 && minor >= 19)
  const found = `${process.versions.node} (${process.platform} ${process.arch})`
  return { name: 'node', ok, found, ...(!ok && { advice: 'install Node 20.19 or newer' }) }
}

async function checkRuntime(name: string | undefined): Promise<DoctorCheck[]> {
  try {
    const runtime = await openRuntime(name)
    return [describeRuntime(await runtime.diagnose()), await checkRun(runtime), await checkProducts(runtime)]
  } catch (error) {
    return [{ name: 'runtime', ok: false, ...failure(error) }]
  }
}

function describeRuntime({ runtime, version, threads, device, notes }: Diagnosis): DoctorCheck {
  const found = [`${runtime} ${version}`, `${threads} threads`, device, ...notes].join('; ')
  return { name: 'runtime', ok: true, found }
}

/** A runtime that can be imported may still fail to compute, so it is tested with a sum. */
async function checkRun(runtime: Runtime): Promise<DoctorCheck> {
  const name = 'runtime runs'
  try {
    await using session = await runtime.load(emitModel({ y: add(input('x', 'float32', [1]), 1) }))
    const { y } = await session.run({ x: { type: 'float32', dims: [1], data: Float32Array.of(1) } })
    return y?.data[0] === 2
      ? { name, ok: true, found: 'yes' }
      : { name, ok: false, found: `1 + 1 gave ${y?.data[0]}`, advice: 'install the runtime again' }
  } catch (error) {
    return { name, ok: false, ...failure(error) }
  }
}

/** Not wrong, but of consequence for files with 8-bit weights. */
async function checkProducts(runtime: Runtime): Promise<DoctorCheck> {
  const name = '8-bit products'
  try {
    const found = (await saturatesHere(runtime))
      ? 'sums saturate: quantize with --reduce-range or --type uint8, which are exact here, too'
      : 'exact'
    return { name, ok: true, found }
  } catch (error) {
    return { name, ok: false, ...failure(error) }
  }
}

async function checkMethods(plugins: readonly string[]): Promise<DoctorCheck> {
  try {
    const known = await loadMethods(plugins)
    return { name: 'methods', ok: true, found: `${known.size}: ${[...known.keys()].join(', ')}` }
  } catch (error) {
    return { name: 'methods', ok: false, ...failure(error) }
  }
}

function machine(): DoctorCheck {
  const processor = cpus()[0]?.model.trim() || 'unknown processor'
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  const found = `${availableParallelism()} × ${processor}, ${gib(freemem())} of ${gib(totalmem())} memory free`
  return { name: 'machine', ok: true, found }
}

function failure(error: unknown): { found: string; advice?: string } {
  if (!(error instanceof Error)) return { found: String(error) }
  return isTpError(error) ? { found: `${error.code}`, advice: error.message } : { found: error.message }
}

function describe(checks: readonly DoctorCheck[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length)) + 2
  return checks
    .flatMap(({ name, ok, found, advice }) => [
      `${ok ? 'ok     ' : 'missing'}  ${name.padEnd(width)}${found}`,
      ...(advice === undefined ? [] : [`         ${' '.repeat(width)}${advice}`]),
    ])
    .join('\n')
}
