import type { NamedTensors, Session, TensorLike } from '@tp/core/runtime'
import { randomNumbers } from '@tp/core/statistics'
import type { Same } from './rows.ts'

/** Clips of a batch; tokens of a text, at least and at most; and positions of padding beyond the longest. */
const [BATCH, LEAST, MOST, MORE] = [4, 4, 40, 8]
const TOKENS = 50_000
const PAST = 'past_key_values.'
const BRANCH = 'use_cache_branch'

/** Compares the states of clips in batches with those alone. @param feeds of one clip each */
export async function sameStates(session: Session, feeds: readonly NamedTensors[]): Promise<Same> {
  const count = new Count()
  for (let first = 0; first < feeds.length; first += BATCH) {
    const own = feeds.slice(first, first + BATCH)
    const together = firstOf(await session.run(batchOf(own)))
    for (const [row, each] of own.entries()) count.add(rowOf(together, row), firstOf(await session.run(each)).data)
  }
  return count.same
}

/**
 * Compares the logits of a decoder with caches (`decoder_model_merged.onnx`) for random texts of different lengths, padded right in batches, with those alone: of all
 * tokens when it starts, and of one more token that it reads with its caches.
 * @param states of one clip each, as the encoder has given them
 */
export async function sameLogits(session: Session, states: readonly NamedTensors[]): Promise<Same> {
  const count = new Count()
  const uniform = randomNumbers(7)
  const random = (least: number, most: number): number => least + Math.floor(uniform() * (most - least + 1))
  for (let first = 0; first < states.length; first += BATCH) {
    const own = states.slice(first, first + BATCH).map((each) => ({ states: firstOf(each) }))
    const texts = own.map(() => Array.from({ length: random(LEAST, MOST) }, () => random(0, TOKENS)))
    const width = Math.max(...texts.map(({ length }) => length)) + MORE
    const padded = texts.map((text) => [...text, ...Array.from({ length: width - text.length }, () => 0)])
    const seen = (await session.run(startOf(session, own, padded))).logits as TensorLike
    // Caches of a batch are equally long: those of the beginnings of all texts.
    const begun = texts.map((text) => text.slice(0, LEAST))
    const caches = await session.run(startOf(session, own, begun))
    const next = (await session.run(stepOf(session, own, caches))).logits as TensorLike
    for (const [row, one] of own.entries()) {
      const size = seen.dims[2] as number
      const text = texts[row] as number[]
      const alone = (await session.run(startOf(session, [one], [text]))).logits as TensorLike
      const step = await session.run(startOf(session, [one], [begun[row] as number[]]))
      const last = (await session.run(stepOf(session, [one], step))).logits as TensorLike
      count.add(
        [...rowOf(seen, row).subarray(0, text.length * size), ...rowOf(next, row)],
        [...(alone.data as Float32Array), ...(last.data as Float32Array)],
      )
    }
  }
  return count.same
}

interface Heard {
  readonly states: TensorLike
}

/** Inputs of the first step. */
function startOf({ inputs }: Session, heard: readonly Heard[], texts: readonly (readonly number[])[]): NamedTensors {
  const past = inputs.filter(({ name }) => name.startsWith(PAST))
  const empty = past.map(({ name, dims: [, heads, , size] }): [string, TensorLike] => {
    // Those of the encoder's states are declared as many as states, and not read.
    const tokens = name.includes('.encoder.') ? (heard[0]?.states.dims[1] as number) : 0
    const dims = [heard.length, heads as number, tokens, size as number]
    return [name, { type: 'float32', dims, data: new Float32Array(dims.reduce((a, b) => a * b)) }]
  })
  return { ...common(heard, texts, false), ...Object.fromEntries(empty) }
}

/** Inputs of the step after `outputs`: the same token for all. */
function stepOf({ inputs }: Session, heard: readonly Heard[], outputs: NamedTensors): NamedTensors {
  const past = inputs.filter(({ name }) => name.startsWith(PAST))
  const caches = past.map(({ name }) => [name, outputs[name.replace(PAST, 'present.')] as TensorLike])
  const next = heard.map(() => [1])
  return { ...common(heard, next, true), ...Object.fromEntries(caches) }
}

function common(heard: readonly Heard[], texts: readonly (readonly number[])[], cached: boolean): NamedTensors {
  return {
    input_ids: {
      type: 'int64',
      dims: [texts.length, texts[0]?.length as number],
      data: BigInt64Array.from(texts.flat(), BigInt),
    },
    encoder_hidden_states: joined(heard.map(({ states }) => states)),
    [BRANCH]: { type: 'bool', dims: [1], data: Uint8Array.of(cached ? 1 : 0) },
  }
}

function batchOf(feeds: readonly NamedTensors[]): NamedTensors {
  const names = Object.keys(feeds[0] ?? {})
  return Object.fromEntries(names.map((name) => [name, joined(feeds.map((own) => own[name] as TensorLike))]))
}

/** float32 tensors of one example each as one. */
function joined(tensors: readonly TensorLike[]): TensorLike {
  const dims = [tensors.length, ...(tensors[0] as TensorLike).dims.slice(1)]
  const data = new Float32Array(dims.reduce((a, b) => a * b))
  for (const [i, own] of tensors.entries()) data.set(own.data as Float32Array, (i * data.length) / tensors.length)
  return { type: 'float32', dims, data }
}

function firstOf(outputs: NamedTensors): TensorLike {
  return Object.values(outputs)[0] as TensorLike
}

function rowOf({ dims, data }: TensorLike, row: number): Float32Array {
  const size = data.length / (dims[0] as number)
  return (data as Float32Array).subarray(row * size, (row + 1) * size)
}

class Count {
  #same = 0
  #of = 0
  #largest = 0

  add(seen: ArrayLike<number>, alone: ArrayLike<unknown>): void {
    let most = 0
    for (let i = 0; i < seen.length; i++) most = Math.max(most, Math.abs((seen[i] as number) - (alone[i] as number)))
    this.#of++
    if (most === 0 && seen.length === alone.length) this.#same++
    this.#largest = Math.max(this.#largest, most)
  }

  get same(): Same {
    return [this.#same, this.#of, this.#largest]
  }
}
