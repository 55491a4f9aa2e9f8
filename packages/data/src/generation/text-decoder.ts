import { TpError } from '@tp/core'
import { fromHalves } from '@tp/core/expression'
import type { AbortSignalLike, NamedTensors, Session, TensorLike } from '@tp/core/runtime'

interface Cache {
  /** Name of the input, and of the output with the new tokens. */
  readonly past: string
  readonly present: string
}

/** Keys or values; `scale`: of caches of 8 bits, what each is multiplied with. */
interface ScaledCache extends Cache {
  readonly scale?: Cache
}

/** The facts about a decoder's file; `inspectDecoder` of @tp/compiler finds it. */
export interface DecoderForm {
  readonly caches: readonly { readonly keys: ScaledCache; readonly values: ScaledCache }[]
  /** The input that positions are read from; undefined where they are counted. */
  readonly positions: string | undefined
  /** The output with the scores of the next token. */
  readonly logits: string
  /** Whether caches are [batch, heads, tokens, head size], and how many heads of which size. */
  readonly byHead: boolean
  readonly keyHeads: unknown
  readonly headSize: unknown
  readonly dtype: string
}

/** A decoder that has read some tokens. */
export interface Reading {
  /** Scores of the next token, float32 [V]. */
  readonly logits: Float32Array
  /** Bytes of all keys and values that are kept. */
  readonly cacheBytes: number
  /** The inputs of the decoder for one more token. */
  feeds(token: number): NamedTensors
  /** @throws TpError TP_ABORTED, TP_RUN */
  next(token: number): Promise<Reading>
}

/** Reads prompts and goes on token by token, with the caches that it has returned. One example at a time. */
export interface TextDecoder {
  /** The inputs for a prompt: caches of no tokens. */
  feeds(prompt: readonly number[]): NamedTensors
  /** @throws TpError TP_INPUT for an empty prompt; TP_ABORTED, TP_RUN */
  read(prompt: readonly number[]): Promise<Reading>
}

export interface TextDecoderOptions {
  /** Prunes the caches once, between a prompt and what follows: what `press` of @tp/compiler writes. */
  readonly press?: Session | undefined
  readonly signal?: AbortSignalLike | undefined
}

/**
 * A decoder with caches, in a session.
 * @throws TpError TP_INPUT for inputs that are neither tokens, mask, positions nor caches
 */
export function openTextDecoder(session: Session, form: DecoderForm, options: TextDecoderOptions = {}): TextDecoder {
  const { press, signal } = options
  const caches = allCaches(form)
  const empty = emptyCaches(session, form)
  const integers = integerInputs(session, form, new Set(Object.keys(empty)))

  const feedsOf = (tokens: readonly number[], seen: number, past: NamedTensors): NamedTensors => {
    const cached = (past[(caches[0] as Cache).past] as TensorLike).dims.at(-2) ?? 0
    const own: Readonly<Record<Role, () => readonly number[]>> = {
      tokens: () => tokens,
      // Caches may hold fewer tokens than were seen.
      mask: () => Array.from({ length: cached + tokens.length }, () => 1),
      positions: () => tokens.map((_, i) => seen + i),
    }
    const rows = integers.map(({ name, role }): [string, TensorLike] => {
      const row = own[role]()
      return [name, { type: 'int64', dims: [1, row.length], data: BigInt64Array.from(row, BigInt) }]
    })
    return { ...Object.fromEntries(rows), ...past }
  }
  const readingOf = (outputs: NamedTensors, past: NamedTensors, seen: number): Reading => ({
    logits: lastRow(outputs[form.logits] as TensorLike),
    cacheBytes: Object.values(past).reduce((sum, { data }) => sum + (data as Float32Array).byteLength, 0),
    feeds: (token) => feedsOf([token], seen, past),
    async next(token) {
      const answer = await session.run(feedsOf([token], seen, past), { signal })
      return readingOf(answer, cachesIn(answer, caches), seen + 1)
    },
  })
  return {
    feeds: (prompt) => feedsOf(prompt, 0, empty),
    async read(prompt) {
      if (prompt.length === 0) throw new TpError('TP_INPUT', 'data', 'the prompt is empty; it needs a token or more')
      const outputs = await session.run(feedsOf(prompt, 0, empty), { signal })
      const whole = cachesIn(outputs, caches)
      const past = press === undefined ? whole : await press.run(pressFeeds(press, outputs), { signal })
      return readingOf(outputs, past, prompt.length)
    },
  }
}

type Role = 'tokens' | 'mask' | 'positions'

function integerInputs(
  session: Session,
  { positions }: DecoderForm,
  caches: ReadonlySet<string>,
): { readonly name: string; readonly role: Role }[] {
  return session.inputs
    .filter(({ name }) => !caches.has(name))
    .map(({ name, type, dims }) => {
      const role = name === positions ? 'positions' : /mask/.test(name) ? 'mask' : 'tokens'
      const known = role !== 'tokens' || name === 'input_ids'
      if (type === 'int64' && dims.length === 2 && known) return { name, role }
      const seen = `the decoder has an input "${name}", ${type} of ${dims.length} axes`
      throw new TpError('TP_INPUT', 'data', `${seen}; tokens (input_ids), a mask, positions and caches are known`)
    })
}

/** The empty caches that a decoder takes where there are no earlier tokens, by the names of its inputs. */
function emptyCaches(session: Session, form: DecoderForm): NamedTensors {
  const scales = new Set(form.caches.flatMap(({ keys, values }) => [keys.scale?.past, values.scale?.past]))
  return Object.fromEntries(
    allCaches(form).map(({ past }) => {
      const isScale = scales.has(past)
      const dims = emptyDims(session, form, past, isScale ? 1 : Number(form.headSize))
      return [past, emptyCache(isScale ? 'float32' : form.dtype, dims)]
    }),
  )
}

/** The keys and values of every layer, and their scales where they have some. */
function allCaches({ caches }: DecoderForm): readonly Cache[] {
  return caches.flatMap(({ keys, values }) =>
    [keys, values].flatMap((cache) => [cache, ...(cache.scale ? [cache.scale] : [])]),
  )
}

function emptyDims(session: Session, form: DecoderForm, name: string, size: number): number[] {
  const byHead = [1, Number(form.keyHeads), 0, size]
  if (form.byHead && byHead.every(Number.isInteger)) return byHead
  const declared = session.inputs.find((input) => input.name === name)?.dims ?? []
  return declared.map((dim, axis) => (axis === 0 ? 1 : typeof dim === 'number' ? dim : 0))
}

function emptyCache(type: string, dims: readonly number[]): TensorLike {
  switch (type) {
    case 'float16':
      return { type, dims, data: new Uint16Array() }
    case 'int8':
      return { type, dims, data: new Int8Array() }
    default:
      return { type: 'float32', dims, data: new Float32Array() }
  }
}

function cachesIn(outputs: NamedTensors, caches: readonly Cache[]): NamedTensors {
  return Object.fromEntries(caches.map(({ past, present }) => [past, outputs[present] as TensorLike]))
}

/** A press takes what the decoder returns, and returns what it is given next. */
function pressFeeds(press: Session, outputs: NamedTensors): NamedTensors {
  return Object.fromEntries(
    press.inputs.map(({ name }) => {
      const cache = outputs[name]
      if (cache !== undefined) return [name, cache]
      const advice = 'write the press for this decoder (tp press)'
      throw new TpError('TP_INPUT', 'data', `the press reads "${name}", which the decoder does not return; ${advice}`)
    }),
  )
}

/** Of logits [1,n,V]. */
function lastRow({ type, dims, data }: TensorLike): Float32Array {
  const row = (data as Float32Array | Uint16Array).slice(-(dims.at(-1) as number))
  return type === 'float16' ? fromHalves(row) : (row as Float32Array)
}
