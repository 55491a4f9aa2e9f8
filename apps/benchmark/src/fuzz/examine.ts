import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { inspect, isRefused, type PruneOptions, prune, type Refusal, transform } from '@tp/compiler'
import { isTpError, schedule } from '@tp/core'
import type { NamedTensors } from '@tp/core/runtime'
import { clsAttention, receivedAttention } from '@tp/method-attention'
import { tome } from '@tp/method-hybrid'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { dataSets, type Fixture, fixturesIn, mutant, openFixture, openModel } from 'exported-encoders'
import type { MutantQuestion, MutantVerdict } from './examiner.ts'

/** The limits of a mutant while it is decoded, inspected and pruned: processor time, and memory of the process. */
const limits = { seconds: 10, gibibytes: 2 }

/** Ways to prune, in turns. */
const ways: readonly PruneOptions[] = [
  { method: receivedAttention(), schedule: schedule(3, { layers: [0, 1], keep: 0.6 }) },
  { method: clsAttention(), schedule: schedule(3, { layers: [0, 1], tokens: [5, 3] }), protect: [0], trace: true },
  { method: tome(), schedule: schedule(3, { layers: [0, 1], remove: 2 }), protect: [0] },
  { method: receivedAttention(), schedule: schedule(3, { layers: [0, 1], mass: 0.7 }), restore: 'all' },
]

interface Source {
  readonly fixture: Fixture
  readonly model: Model
  readonly inputs: NamedTensors
}

const sources = new Map<string, Source>()

function sourceOf(folder: string): Source {
  const known = sources.get(folder)
  if (known !== undefined) return known
  const fixture = fixturesIn(dirname(folder)).find(({ name }) => name === basename(folder)) as Fixture
  const source = { fixture, model: openFixture(fixture), inputs: dataSets(fixture)[0]?.inputs ?? {} }
  sources.set(folder, source)
  return source
}

/** Spoils a file, prunes it, and opens what comes out; `onStage` receives the next stage. */
export async function examine(
  { folder, mutation, seed }: MutantQuestion,
  onStage: (stage: string) => void,
): Promise<MutantVerdict> {
  const { model, inputs } = sourceOf(folder)
  const bytes = mutant(model, mutation, seed)
  onStage('prune')
  const start = process.cpuUsage()
  const result = pruneMutant(folder, bytes, seed)
  const used = process.cpuUsage(start)
  const seconds = (used.user + used.system) / 1e6
  const gibibytes = process.resourceUsage().maxRSS / 2 ** 20
  const taken = { seconds, gibibytes }
  if (seconds > limits.seconds) return { outcome: 'too slow', bug: `${seconds.toFixed(1)} s`, ...taken }
  if (gibibytes > limits.gibibytes) return { outcome: 'too much memory', bug: `${gibibytes.toFixed(1)} GiB`, ...taken }
  if ('outcome' in result) return { ...result, ...taken }
  return { ...(await compareInRuntime(folder, bytes, result, inputs, onStage)), ...taken }
}

function pruneMutant(folder: string, bytes: Uint8Array, seed: number): MutantVerdict | Model {
  let model: Model
  try {
    model = decodeModel(bytes, {
      external: (location, offset, length) => readFileSync(join(folder, location)).subarray(offset, offset + length),
    })
  } catch (error) {
    return failed('cannot be read', error)
  }
  try {
    const seen = seed % 7 === 0 ? inspect(model) : undefined
    const pruned = transform(model, prune(ways[seed % ways.length] as PruneOptions)).model
    if (seen?.ok === false) return { outcome: 'inspect refuses, prune does not', bug: seen.refusal.message }
    return pruned
  } catch (error) {
    if (isRefused(error)) return refused(error.refusal)
    return failed('error', error)
  }
}

function refused({ code, message }: Refusal): MutantVerdict {
  const isSentence = /^[^\n]{10,}$/.test(message)
  return { outcome: `refused: ${code}`, ...(!isSentence && { bug: `no sentence: ${message}` }) }
}

function failed(what: string, error: unknown): MutantVerdict {
  if (isTpError(error)) return { outcome: `${what}: ${error.code}` }
  return { outcome: 'crash', bug: error instanceof Error ? (error.stack ?? error.message) : `${error}` }
}

async function compareInRuntime(
  folder: string,
  bytes: Uint8Array,
  pruned: Model,
  inputs: NamedTensors,
  onStage: (stage: string) => void,
): Promise<MutantVerdict> {
  onStage('dense')
  const dense = await attempt(bytes, folder, inputs)
  if (dense.does === 'not load') return { outcome: 'pruned; the mutant itself does not load' }
  onStage('pruned')
  const small = await attempt(encodeModel(pruned), folder, inputs)
  // A fault of the mutant may show earlier: a size that was open is known now.
  if (dense.does === 'not run') return { outcome: `pruned; the mutant loads and does not run, it does ${small.does}` }
  if (small.does === 'not load') return { outcome: 'pruned, and does not load', bug: small.because }
  return small.does === 'run'
    ? { outcome: 'pruned, and runs' }
    : { outcome: 'pruned, and does not run', bug: small.because }
}

interface Attempt {
  readonly does: 'not load' | 'not run' | 'run'
  readonly because: string
}

async function attempt(model: Uint8Array | Model, folder: string, inputs: NamedTensors): Promise<Attempt> {
  let does: Attempt['does'] = 'not load'
  try {
    await using session = await openModel(model, folder)
    does = 'not run'
    await session.run(inputs)
    return { does: 'run', because: '' }
  } catch (error) {
    return { does, because: error instanceof Error ? error.message : `${error}` }
  }
}
