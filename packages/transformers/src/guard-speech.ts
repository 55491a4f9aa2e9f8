import { LogitsProcessor, LogitsProcessorList, Tensor } from '@huggingface/transformers'
import { TpError } from '@tp/core'
import { isRecord, shown } from '@tp/core/host'
import { BEGIN, type Begin } from './guard-repeats.ts'
import { replace } from './replace.ts'

/** Limits beyond which a text is decoded again, those of Whisper's own program by default. */
export interface SpeechGuards {
  /** How many times shorter a text may become by deflate; repetitions become much shorter (default 2.4). */
  readonly compressionRatio?: number
  /** The least mean of the logarithms of the probabilities of its tokens (default −1). */
  readonly logProbability?: number
  /** The probability that nobody speaks above which a text that is too unlikely is left empty instead (default 0.6). */
  readonly noSpeech?: number
  /** Tokens are drawn at these temperatures, one after the other, until a text is within the limits; 0 takes the likeliest (default 0, 0.2 … 1). */
  readonly temperatures?: readonly number[]
}

/** The parts of a pipeline of transformers.js that are used here. */
interface Transcriber {
  readonly model: SpeechModel
  readonly tokenizer: { decode(tokens: readonly bigint[], options: { skip_special_tokens: boolean }): string }
}

interface SpeechModel {
  readonly generation_config?: {
    readonly no_timestamps_token_id?: number
    readonly eos_token_id?: number | readonly number[]
  }
  generate(options: Record<string, unknown>): Promise<Generated>
  forward(inputs: Record<string, unknown>): Promise<{ readonly logits: Tensor }>
}

type Generated = Tensor | { readonly sequences: Tensor; readonly token_timestamps?: Tensor }

const DEFAULTS: Required<SpeechGuards> = {
  compressionRatio: 2.4,
  logProbability: -1,
  noSpeech: 0.6,
  temperatures: [0, 0.2, 0.4, 0.6, 0.8, 1],
}

/**
 * Lets a pipeline for speech recognition decode a text again that repeats itself or is unlikely, at rising temperatures, and leave one empty where nobody speaks, as
 * Whisper's own program does (Radford et al., 2022, section 4.5). transformers.js and optimum do not. Each window of a long sound is judged for itself; batches of several
 * windows are not.
 *
 * @param transcriber what `pipeline('automatic-speech-recognition', …)` gives
 * @returns a function that takes the guards away
 * @throws TpError TP_MODEL for another pipeline, TP_OPTION for a limit that is not a number
 * @example
 * const transcribe = await pipeline('automatic-speech-recognition', 'whisper-base')
 * guardSpeech(transcribe, { noSpeech: 0.8 })
 */
export function guardSpeech(transcriber: object, guards: SpeechGuards = {}): () => void {
  requireGuards(guards)
  const { model, tokenizer } = transcriber as Partial<Transcriber>
  if (typeof model?.generate !== 'function' || tokenizer === undefined) {
    throw new TpError('TP_MODEL', 'transformers', "this is not a pipeline for 'automatic-speech-recognition'")
  }
  const limits = { ...DEFAULTS, ...guards }
  const plain = model.generation_config?.no_timestamps_token_id
  return replace(model, 'generate', (generate) => async (options) => {
    let last: Generated | undefined
    for (const temperature of limits.temperatures) {
      const watched = new Watched(model, temperature, plain === undefined ? undefined : plain - 1)
      try {
        last = await generate.call(model, { ...options, ...watched.options })
      } finally {
        watched.end()
      }
      const [tokens, ...others] = sequencesOf(last).tolist() as bigint[][]
      if (tokens === undefined || others.length > 0) return last
      const likelihood = watched.meanOf(tokens)
      const isSilence = watched.noSpeech > limits.noSpeech && likelihood < limits.logProbability
      if (isSilence) return withoutText(last, watched.prompt, tokens)
      const text = tokenizer.decode(tokens, { skip_special_tokens: true })
      if (likelihood >= limits.logProbability && (await compressionOf(text)) <= limits.compressionRatio) return last
    }
    return last as Generated
  })
}

function requireGuards(guards: unknown): asserts guards is SpeechGuards {
  if (!isRecord(guards)) throw problem(`guards are ${shown(guards)}; give an object`)
  for (const [name, value] of Object.entries(guards)) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      throw problem(`there is no guard ${name}; there are ${Object.keys(DEFAULTS).join(', ')}`)
    }
    const numbers = name === 'temperatures' && Array.isArray(value) && value.length > 0 ? value : [value]
    if (!numbers.every(Number.isFinite))
      throw problem(`${name} is ${shown(value)}; give ${name === 'temperatures' ? 'a list of numbers' : 'a number'}`)
  }
}

function problem(message: string): TpError {
  return new TpError('TP_OPTION', 'transformers', message)
}

/** One run of `generate`: how likely its tokens are, and that nobody speaks. */
class Watched {
  readonly options: Record<string, unknown>
  /** The probability of the token that says so after the first token of the prompt; 0 where it is not known. */
  noSpeech = 0
  /** Tokens that were given. */
  prompt = 0
  readonly #likelihoods: Float64Array[] = []
  readonly #end: () => void

  constructor(model: SpeechModel, temperature: number, silence: number | undefined) {
    const list = new LogitsProcessorList()
    list.push(new Recorder((logits) => this.#record(logits, temperature)))
    // Processors that generate() adds act first.
    const add = list.push.bind(list)
    list.push = (item) => {
      const own = list.processors.pop()
      add(item)
      if (own !== undefined) add(own)
    }
    const sampling = temperature > 0 && { do_sample: true, temperature, top_k: 0 }
    let isFirst = true
    const begin: Begin = () => {
      const { length } = this.#likelihoods
      return () => {
        this.#likelihoods.length = length
        isFirst = length === 0
      }
    }
    this.options = { logits_processor: list, ...sampling, [BEGIN]: begin }
    this.#end = replace(model, 'forward', (forward) => async (inputs) => {
      const outputs = await forward.call(model, inputs)
      if (isFirst) {
        isFirst = false
        const ids = (inputs.decoder_input_ids ?? inputs.input_ids) as Tensor
        this.prompt = ids.dims.at(-1) as number
        const [, rows = 1, size = 0] = outputs.logits.dims
        const first = outputs.logits.to('float32').data.subarray(0, size) as Float32Array
        if (silence !== undefined && rows === this.prompt)
          this.noSpeech = Math.exp(logSoftmax(first)[silence] ?? Number.NEGATIVE_INFINITY)
      }
      return outputs
    })
  }

  #record(logits: Float32Array, temperature: number): void {
    // They are divided by it already.
    this.#likelihoods.push(logSoftmax(temperature > 0 ? logits.map((value) => value * temperature) : logits))
  }

  /** The mean over the tokens after the prompt. */
  meanOf(tokens: readonly bigint[]): number {
    const written = tokens.slice(this.prompt)
    const sum = written.reduce((total, token, i) => total + (this.#likelihoods[i]?.[Number(token)] ?? 0), 0)
    return written.length === 0 ? 0 : sum / written.length
  }

  end(): void {
    this.#end()
  }
}

/** Hands the logits [1,V] of each step on as they are. */
class Recorder extends LogitsProcessor {
  readonly #record: (logits: Float32Array) => void

  constructor(record: (logits: Float32Array) => void) {
    super()
    this.#record = record
  }

  override _call(_: bigint[][], logits: Tensor): Tensor {
    this.#record(logits.data as Float32Array)
    return logits
  }
}

function logSoftmax(logits: Float32Array): Float64Array {
  let most = Number.NEGATIVE_INFINITY
  for (const value of logits) most = Math.max(most, value)
  let sum = 0
  for (const value of logits) sum += Math.exp(value - most)
  return Float64Array.from(logits, (value) => value - most - Math.log(sum))
}

function sequencesOf(generated: Generated): Tensor {
  return generated instanceof Tensor ? generated : generated.sequences
}

/** The prompt, and the last token. */
function withoutText(generated: Generated, prompt: number, tokens: readonly bigint[]): Generated {
  const kept = [...tokens.slice(0, prompt), tokens.at(-1) as bigint]
  const sequences = new Tensor('int64', BigInt64Array.from(kept), [1, kept.length])
  if (generated instanceof Tensor) return sequences
  const times = generated.token_timestamps
  return { ...generated, sequences, ...(times && { token_timestamps: times.slice(null, [0, kept.length]) }) }
}

/** Bytes of a text over those that deflate makes of it. */
async function compressionOf(text: string): Promise<number> {
  const bytes = new TextEncoder().encode(text)
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'))
  const { byteLength } = await new Response(stream).arrayBuffer()
  return bytes.length / byteLength
}
