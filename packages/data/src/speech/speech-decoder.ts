import { Tokenizer } from '@huggingface/tokenizers'
import { TpError } from '@tp/core'
import type { AbortSignalLike, NamedTensors, Session, TensorLike } from '@tp/core/runtime'
import { finish } from '@tp/metrics'
import { readFolderJson } from '../inputs/model-folder.ts'

/** Transcribes speech from the states of an encoder. */
export interface SpeechDecoder {
  /**
   * Of one example: states float32 [1,n,D]. `language`: its code, default `en`. `stop`: whether to end the text after these tokens, though it does not end there.
   * @throws TpError TP_INPUT for another number of them than a decoder takes that is not free in it; TP_DATA for a language that it
   *   does not know; TP_ABORTED
   */
  transcribe(...about: DecoderArguments): Promise<string>
  /** The same in steps, one for each token; returns the text. Without it, what is timed in turns takes a whole text a turn. */
  steps?(...about: DecoderArguments): AsyncGenerator<void, string>
  /** The same decoder, changed to read states that say how much each counts (`weighStates`), where it is there. */
  readonly weighing?: SpeechDecoder
}

type Stop = (tokens: readonly number[]) => boolean
type DecoderArguments = [states: TensorLike, signal?: AbortSignalLike, language?: string, stop?: Stop]

/** The entries of generation_config.json. */
interface Generation {
  readonly decoder_start_token_id: number
  readonly eos_token_id: number | readonly number[]
  readonly max_length?: number
  readonly suppress_tokens?: readonly number[]
  readonly begin_suppress_tokens?: readonly number[]
  readonly lang_to_id?: Readonly<Record<string, number>>
  readonly task_to_id?: Readonly<Record<string, number>>
  readonly no_timestamps_token_id?: number
}

const STATES = 'encoder_hidden_states'
const PAST = 'past_key_values.'
const BRANCH = 'use_cache_branch'

/**
 * Greedy decoding of speech without time stamps by a decoder as optimum exports it: `decoder_model.onnx`, which reads all tokens
 * at each step, or `decoder_model_merged.onnx`, which keeps their keys and values. generation_config.json and tokenizer.json are those
 * next to it.
 * @param session of the file at `path`
 * @throws TpError TP_INPUT for a file that is not such a decoder; TP_DATA for a folder without these files
 */
export async function openSpeechDecoder(session: Session, path: string): Promise<SpeechDecoder> {
  const names = session.inputs.map(({ name }) => name)
  const hasPast = names.some((name) => name.startsWith(PAST))
  const missing = ['input_ids', STATES, ...(hasPast ? [BRANCH] : [])].find((name) => !names.includes(name))
  if (missing !== undefined) {
    const seen = `${path}: is not a decoder of speech: it has no input ${missing}, only ${names.join(', ')}`
    throw new TpError('TP_INPUT', 'data', `${seen}; give decoder_model.onnx or decoder_model_merged.onnx`)
  }
  const generation = (await readFolderJson(path, 'generation_config.json')) as Partial<Generation>
  const { decoder_start_token_id: start, eos_token_id: end } = generation
  if (start === undefined || end === undefined) {
    throw new TpError(
      'TP_DATA',
      'data',
      `${path}: no generation_config.json next to it names the first and the last token`,
    )
  }
  const [tokenizer, config] = [
    await readFolderJson(path, 'tokenizer.json'),
    await readFolderJson(path, 'tokenizer_config.json'),
  ]
  const words = openWords(tokenizer, config, path)
  const greedy = new Greedy(session, { ...generation, decoder_start_token_id: start, eos_token_id: end })
  async function* steps(...[states, signal, language, stop]: DecoderArguments): AsyncGenerator<void, string> {
    requireStates(session, path, states)
    const tokens = yield* greedy.tokens(states, promptFor(generation, path, language), { signal, stop })
    // The tokenizer refuses to write nothing down.
    return tokens.length === 0 ? '' : words.decode(tokens, { skip_special_tokens: true })
  }
  return { steps, transcribe: (...about) => finish(steps(...about)) }
}

/** @throws TpError TP_INPUT for a decoder that was exported for another number of states */
function requireStates({ inputs }: Session, path: string, { dims }: TensorLike): void {
  const most = inputs.find(({ name }) => name === STATES)?.dims[1]
  if (typeof most !== 'number' || most === dims[1]) return
  const seen = `${path}: reads ${most} states of an encoder and no other number, and there are ${dims[1]}`
  const advice = 'prune with --set restore=nearest, or repair it (tp prune --decoder)'
  throw new TpError('TP_INPUT', 'data', `${seen}; ${advice}`)
}

/** The tokens before the text. @throws TpError TP_DATA for a language that the decoder does not know */
function promptFor(
  { decoder_start_token_id: start, lang_to_id, task_to_id, no_timestamps_token_id: plain }: Partial<Generation>,
  path: string,
  language = 'en',
): number[] {
  const own = lang_to_id?.[`<|${language}|>`]
  if (own === undefined && language !== 'en') {
    const known = Object.keys(lang_to_id ?? {}).map((name) => name.slice(2, -2))
    const seen = `${path}: does not know the language ${language}`
    throw new TpError('TP_DATA', 'data', `${seen}; it knows ${known.length === 0 ? 'English alone' : known.join(', ')}`)
  }
  return [start, own, task_to_id?.transcribe, plain].filter((token) => token !== undefined)
}

function openWords(tokenizer: object, config: object, path: string): Tokenizer {
  try {
    return new Tokenizer(tokenizer, config)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TpError('TP_TOKENIZER', 'data', `${path}: its tokenizer.json cannot be used (${reason})`, { cause })
  }
}

class Greedy {
  readonly #session: Session
  readonly #generation: Generation
  readonly #ends: ReadonlySet<number>

  constructor(session: Session, generation: Generation) {
    this.#session = session
    this.#generation = generation
    this.#ends = new Set([generation.eos_token_id].flat())
  }

  /** The tokens after the prompt, without the last one; yields after each. */
  async *tokens(
    states: TensorLike,
    prompt: readonly number[],
    { signal, stop }: { readonly signal: AbortSignalLike | undefined; readonly stop: Stop | undefined },
  ): AsyncGenerator<void, number[]> {
    const { max_length: longest = 448, begin_suppress_tokens: first = [] } = this.#generation
    const written: number[] = []
    let past: NamedTensors = this.#nothing(states)
    for (let unread = [...prompt]; unread.length > 0; ) {
      const outputs = await this.#session.run({ ...this.#ids(unread), ...past, [STATES]: states }, { signal })
      const next = this.#best(outputs.logits as TensorLike, written.length === 0 ? first : [])
      if (this.#ends.has(next) || prompt.length + written.length >= longest) break
      written.push(next)
      if (stop?.(written)) break
      past = this.#remember(past, outputs)
      unread = this.#caches ? [next] : [...prompt, ...written]
      yield
    }
    return written
  }

  get #caches(): boolean {
    return this.#session.inputs.some(({ name }) => name.startsWith(PAST))
  }

  #ids(tokens: readonly number[]): NamedTensors {
    return { input_ids: { type: 'int64', dims: [1, tokens.length], data: BigInt64Array.from(tokens, BigInt) } }
  }

  /** Keys and values before the first step: none. */
  #nothing(states: TensorLike): NamedTensors {
    if (!this.#caches) return {}
    const past = this.#session.inputs.filter(({ name }) => name.startsWith(PAST))
    const empty = past.map(({ name, dims }): [string, TensorLike] => {
      // [batch, heads, tokens, width]. The graph declares that there is one of the encoder for each of its states; none is read.
      const tokens = name.includes('.encoder.') ? (states.dims[1] as number) : 0
      const own = dims.map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? 1 : tokens))
      return [name, { type: 'float32', dims: own, data: new Float32Array(own.reduce((a, b) => a * b)) }]
    })
    return { ...Object.fromEntries(empty), [BRANCH]: flag(false) }
  }

  /** Keys and values after a step. Those of the encoder's states are made in the first one, and given as they are from then on. */
  #remember(past: NamedTensors, outputs: NamedTensors): NamedTensors {
    const started = past[BRANCH]?.data[0] === 1
    const names = Object.keys(past).filter((name) => name.startsWith(PAST))
    const now = names.map((name): [string, TensorLike] => {
      const isStates = name.includes('.encoder.')
      return [name, (started && isStates ? past[name] : outputs[name.replace(PAST, 'present.')]) as TensorLike]
    })
    return names.length === 0 ? {} : { ...Object.fromEntries(now), [BRANCH]: flag(true) }
  }

  /** The most likely token after the last one of logits [1,n,V]. */
  #best({ dims, data }: TensorLike, refused: readonly number[]): number {
    const size = dims.at(-1) as number
    const last = (data as Float32Array).slice(data.length - size)
    for (const token of [...(this.#generation.suppress_tokens ?? []), ...refused])
      last[token] = Number.NEGATIVE_INFINITY
    let best = 0
    for (let token = 1; token < size; token++) if ((last[token] as number) > (last[best] as number)) best = token
    return best
  }
}

function flag(value: boolean): TensorLike {
  return { type: 'bool', dims: [1], data: Uint8Array.of(value ? 1 : 0) }
}
