import type { DecoderInspection } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { NamedTensors, Session, TensorLike } from '@tp/core/runtime'
import { emptyCaches } from '@tp/eval'
import { type DeclaredValue, Graph } from '@tp/onnx'
import { boundedProcess, boundsFor } from '../bounded/bounded-runtime.ts'
import { requireClose, requireFinite, requireFiniteDense } from '../model/compare-outputs.ts'
import { type ModelFile, sizeOfFiles } from '../model/model-file.ts'
import { roundingOf } from '../model/rounding.ts'

/** New tokens of each run: a prompt, and what is generated after it. */
const RUNS = [16, 1, 1]

/**
 * Runs a decoder and the one with the last logits side by side, on a prompt of random tokens and two tokens after it, each with the
 * caches that it has returned itself.
 * @returns the largest difference of logits and caches, relative for numbers beyond 1
 * @throws TpError TP_VERIFY, TP_DENSE where the decoder itself does not hold, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyLastLogits(
  file: ModelFile,
  path: string,
  decoder: DecoderInspection,
  signal: AbortSignal,
): Promise<number> {
  const options = { runtime: 'node', bounds: boundsFor(await sizeOfFiles(file)) } as const
  await using process = boundedProcess(signal)
  await using dense = await process.load(file.path, options)
  await using last = await process.load(path, options)
  const after = generating(last, file, decoder, signal)
  let largest = 0
  for await (const before of generating(dense, file, decoder, signal)) {
    requireFiniteDense(before)
    const expected = { ...before, [decoder.logits]: lastRow(before[decoder.logits] as TensorLike) }
    const { value: actual } = await after.next()
    largest = Math.max(largest, requireClose(actual as NamedTensors, expected, roundingOf(file.model)))
  }
  return largest
}

/**
 * Runs a decoder whose later caches are shorter, on the same tokens.
 * @throws TpError TP_VERIFY for an output that is not finite, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyRuns(
  file: ModelFile,
  path: string,
  decoder: DecoderInspection,
  signal: AbortSignal,
): Promise<void> {
  const bounds = boundsFor(await sizeOfFiles(file))
  await using process = boundedProcess(signal)
  await using pruned = await process.load(path, { runtime: 'node', bounds })
  for await (const answer of generating(pruned, file, decoder, signal)) requireFinite(answer)
}

/** What a decoder gives for each run, with the caches that it has returned itself. */
async function* generating(
  session: Session,
  { model }: ModelFile,
  decoder: DecoderInspection,
  signal: AbortSignal,
): AsyncGenerator<NamedTensors, undefined> {
  const { inputs } = new Graph(model)
  const empty = emptyCaches(session, decoder)
  let seen = 0
  let answer: NamedTensors = {}
  for (const tokens of RUNS) {
    const feeds = { ...feedsOf(inputs, decoder, seen, tokens), ...cachesFor(empty, decoder, answer) }
    answer = await session.run(feeds, { signal })
    yield answer
    seen += tokens
  }
  return undefined
}

/** Of one example: [1,n,V] → [1,1,V]. */
function lastRow(tensor: TensorLike): TensorLike {
  const width = tensor.dims[2] as number
  return { ...tensor, dims: [1, 1, width], data: tensor.data.slice(-width) } as TensorLike
}

/** What one example of random tokens is, besides caches: numbers of tokens, positions, and a mask that shows all. */
function feedsOf(
  inputs: readonly DeclaredValue[],
  { positions, caches }: DecoderInspection,
  seen: number,
  tokens: number,
): NamedTensors {
  const pasts = new Set(caches.flatMap(({ keys, values }) => [keys.past, values.past]))
  const others = inputs.filter(({ name }) => !pasts.has(name))
  return Object.fromEntries(
    others.map(({ name, type }) => {
      if (type !== 'int64')
        throw new TpError('TP_INPUT', 'tp', `input "${name}" is ${type}, which cannot be generated; omit --verify`)
      const isMask = /mask/.test(name)
      const length = isMask ? seen + tokens : tokens
      const number = (i: number): number => (isMask ? 1 : name === positions ? seen + i : 3 + ((seen + 7 * i) % 40))
      return [name, { type, dims: [1, length], data: BigInt64Array.from({ length }, (_, i) => BigInt(number(i))) }]
    }),
  )
}

/** Caches as a run has returned them; before the first one without tokens. */
function cachesFor(empty: NamedTensors, { caches }: DecoderInspection, answer: NamedTensors): NamedTensors {
  const all = caches.flatMap(({ keys, values }) => [keys, values])
  return Object.fromEntries(all.map(({ past, present }) => [past, (answer[present] ?? empty[past]) as TensorLike]))
}
