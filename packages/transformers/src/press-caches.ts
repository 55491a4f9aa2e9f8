import { DynamicCache, Tensor } from '@huggingface/transformers'
import { TpError } from '@tp/core'
import { replace } from './replace.ts'

/** The parts of a model of transformers.js that are used here. */
interface PressableModel {
  readonly sessions: Readonly<Record<string, unknown>>
  forward(inputs: DecoderInputs): Promise<DecoderOutputs>
}

/** The inputs that `generate()` gives a decoder. */
type DecoderInputs = Readonly<Record<string, unknown>> & {
  readonly input_ids?: Tensor
  readonly attention_mask?: Tensor | null
  readonly position_ids?: Tensor | null
  readonly past_key_values?: Readonly<Record<string, Tensor>> | null
}

type DecoderOutputs = Record<string, Tensor>

/** A session of the onnxruntime that transformers.js uses. */
interface OrtSession {
  readonly outputNames: readonly string[]
  readonly inputNames: readonly string[]
  run(feeds: Readonly<Record<string, unknown>>): Promise<Record<string, never>>
  release(): Promise<void>
}

export interface CachePressing {
  /** Prompts are no longer pressed; caches that were go on working. */
  dispose(): Promise<void>
}

/** How many tokens a cache has seen, by one of its tensors; those that were never pressed have as many as they are long. */
const seenBy = new WeakMap<object, number>()
let countsSeen = false
/** Models whose caches are pressed. */
const pressing = new WeakSet<object>()

/**
 * Prunes the caches of a decoder once, between a prompt and what is generated after it: `press` is what `tp press` has written for the
 * decoder's file. `generate()`, streamers and stopping work as before, and so does a second turn on `past_key_values`: a
 * cache goes on telling how many tokens it has seen, and new tokens get their positions. Tokens of later turns are not pruned.
 *
 * One example at a time, without padding.
 *
 * @param model a model of transformers.js, or the `model` of a pipeline
 * @param press bytes of the file
 * @throws TpError TP_MODEL for a model that is no decoder in one file, one that `press` was not written for, or whose caches are pressed
 * already; `generate()` then throws TP_BATCH for several examples, or one with padding
 *
 * @example
 * const generator = await pipeline('text-generation', 'smollm2')
 * await pressCaches(generator.model, await readFile('press.onnx'))
 */
export async function pressCaches(model: object, press: Uint8Array): Promise<CachePressing> {
  const decoder = model as PressableModel
  if (pressing.has(decoder)) {
    throw new TpError('TP_MODEL', 'transformers', 'the caches of this model are pressed already; dispose of that first')
  }
  const session = await openPress(decoder, press)
  pressing.add(decoder)
  countSeen()
  let isOn = true
  replace(decoder, 'forward', (forward) => async (inputs) => {
    const { decoderInputs, seen, count } = withoutPruned(inputs)
    const isPressed = isOn && seen === 0 && count > 1
    if (isPressed) requireOneExample(inputs)
    const outputs = await forward.call(decoder, decoderInputs)
    if (isPressed) await pruneCaches(session, outputs)
    const cached = Object.entries(outputs).find(([name]) => name.startsWith('present.'))?.[1]
    if (cached !== undefined) seenBy.set(cached, seen + count)
    return outputs
  })
  return {
    async dispose() {
      if (!isOn) return
      isOn = false
      pressing.delete(decoder)
      await session.release()
    },
  }
}

/** The first cache that `generate()` keeps. */
function firstOf(cache: object): Tensor | undefined {
  return Object.entries(cache).find(([name]) => name.startsWith('past_key_values'))?.[1]
}

/** Makes every cache say how many tokens it has seen. */
function countSeen(): void {
  if (countsSeen) return
  countsSeen = true
  replace(DynamicCache.prototype, 'get_seq_length', (original) => {
    return function (this: object) {
      const first = firstOf(this)
      return (first && seenBy.get(first)) ?? original.call(this)
    }
  })
}

/** The inputs of a decoder: a mask as long as its caches and the new tokens, and the positions that these have among all tokens. */
function withoutPruned(inputs: DecoderInputs): {
  readonly decoderInputs: DecoderInputs
  readonly seen: number
  readonly count: number
} {
  const { input_ids, past_key_values } = inputs
  const count = input_ids?.dims.at(-1) ?? 0
  const first = past_key_values ? firstOf(past_key_values) : undefined
  const length = first?.dims.at(-2) ?? 0
  const seen = (first && seenBy.get(first)) ?? length
  if (seen === length) return { decoderInputs: inputs, seen, count }
  const position = BigInt64Array.from({ length: count }, (_, i) => BigInt(seen + i))
  const mask = new BigInt64Array(length + count).fill(1n)
  const decoderInputs = {
    ...inputs,
    attention_mask: new Tensor('int64', mask, [1, length + count]),
    position_ids: new Tensor('int64', position, [1, count]),
  }
  return { decoderInputs, seen, count }
}

/** @throws TpError TP_BATCH */
function requireOneExample({ input_ids, attention_mask: mask }: DecoderInputs): void {
  const batch = input_ids?.dims[0] ?? 1
  const isPadded = mask !== null && mask !== undefined && (mask.data as BigInt64Array).some((shown) => shown === 0n)
  if (batch === 1 && !isPadded) return
  const seen = batch > 1 ? `${batch} examples at once` : 'an example with padding'
  throw new TpError(
    'TP_BATCH',
    'transformers',
    `caches of ${seen} are not pressed; give one example at a time, without padding`,
  )
}

/** Puts pressed caches in the place of those that a prompt has filled. */
async function pruneCaches(session: OrtSession, outputs: DecoderOutputs): Promise<void> {
  const feeds = Object.fromEntries(
    session.inputNames.map((name) => [name, (outputs[name] as unknown as OrtHolder).ort_tensor]),
  )
  const pressed = await session.run(feeds)
  for (const name of session.outputNames) {
    const present = name.replace('past_key_values', 'present')
    const whole = outputs[present]
    if (whole?.location === 'gpu-buffer') whole.dispose()
    outputs[present] = new Tensor(pressed[name] as never)
  }
}

interface OrtHolder {
  readonly ort_tensor: unknown
}

async function openPress({ sessions }: PressableModel, press: Uint8Array): Promise<OrtSession> {
  const decoder = sessions?.model as OrtSession | undefined
  if (decoder?.inputNames === undefined) {
    const names = Object.keys(sessions ?? {}).join(', ') || 'none'
    throw new TpError(
      'TP_MODEL',
      'transformers',
      `a decoder in one file was expected; the model has the sessions ${names}`,
    )
  }
  const { create } = decoder.constructor as unknown as { create(bytes: Uint8Array): Promise<OrtSession> }
  const session = await create(press)
  const needed = decoder.inputNames.filter((name) => name.startsWith('past_key_values.'))
  const missing =
    session.inputNames.find((name) => !decoder.outputNames.includes(name)) ??
    needed.find((name) => !session.outputNames.includes(name))
  if (missing !== undefined) {
    await session.release()
    throw new TpError(
      'TP_MODEL',
      'transformers',
      `the press and the model do not have the same caches (${missing}); write it for this model (tp press)`,
    )
  }
  return session
}
