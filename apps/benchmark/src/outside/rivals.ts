import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { QuantizeOptions } from '@tp/compiler'
import { TpError } from '@tp/core'
import { type ModelSignature, type NamedTensors, openSession, type Session, type TypedArray } from '@tp/core/runtime'
import { pairedSpeedup } from '@tp/metrics'
import { projectPath } from '../files.ts'
import type { Speeds } from './evidence.ts'

interface TensorHead {
  readonly name: string
  readonly type: string
  readonly dims: readonly number[]
  readonly bytes: number
}

/** Ways from texts to vectors: the published file with its tokenizer and its pooling, and others' packages. */
export type TextEngine = 'texts' | 'fastembed' | 'sentence-transformers'

type TextVersions = Readonly<Record<'fastembed' | 'sentenceTransformers', string | null>>

/** A batch. */
type Texts = readonly string[]

function isTexts(inputs: NamedTensors | Texts): inputs is Texts {
  return Array.isArray(inputs)
}

interface Answer {
  readonly error?: string
  readonly tensors: readonly TensorHead[]
}

/** Milliseconds for each kind of batch, and the most rounds of it. */
const [TIMING_S, ROUNDS] = [3, 30]

/** A Python process with onnxruntime and OpenVINO (`tools/rivals/requirements.txt`), which runs, quantizes and times models. */
export class Rivals implements AsyncDisposable {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #chunks: AsyncIterator<Buffer>
  #read: Buffer = Buffer.alloc(0)

  private constructor(python: string) {
    const env = { ...process.env, OMP_NUM_THREADS: '1' }
    this.#process = spawn(python, [projectPath('tools/rivals/rivals.py')], { env })
    this.#process.stderr.resume()
    this.#chunks = this.#process.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  /** @throws TpError TP_RUN where that Python lacks the packages */
  static async open(python: string): Promise<Rivals> {
    const rivals = new Rivals(python)
    await Promise.race([
      once(rivals.#process, 'spawn'),
      once(rivals.#process, 'error').then(([error]) => Promise.reject(error as Error)),
    ]).catch((error: Error) => {
      throw new TpError('TP_RUN', 'benchmark', `${python} cannot be started: ${error.message}`)
    })
    return rivals
  }

  /** Of packages; null for one that is missing. */
  async versions(): Promise<Readonly<Record<'onnxruntime' | 'openvino', string>> & TextVersions> {
    return (await this.#ask({ do: 'versions' })).content as never
  }

  /** @param path of `texts`, `fastembed` and `sentence-transformers`: the published file, with its tokenizer in the same folder */
  async load(
    engine: 'onnxruntime' | 'openvino' | TextEngine,
    path: string,
    how: { readonly threads?: number; readonly precision?: 'f32' | 'bf16'; readonly file?: string } = {},
  ): Promise<number> {
    return ((await this.#ask({ do: 'load', engine, path, ...how })).content as unknown as { model: number }).model
  }

  /** A loaded model as a session; its outputs are float32. */
  session(model: number, signature: ModelSignature): Session {
    return openSession('rival', {
      ...signature,
      run: async (inputs) => (await this.#ask({ do: 'run', model }, inputs)).tensors,
      close: async () => {},
    })
  }

  /** Vectors of texts, [texts, size]. @param model loaded for texts */
  async vectors(model: number, texts: readonly string[]): Promise<NamedTensors[string]> {
    const { tensors } = await this.#ask({ do: 'run', model, texts })
    return tensors.vectors as NamedTensors[string]
  }

  /** Writes the float32 file that an 8-bit one was made from, but for the rounding of its weights. */
  async dequantize(path: string, out: string): Promise<void> {
    await this.#ask({ do: 'dequantize', path, out })
  }

  async quantizeDynamic(path: string, out: string, { reduceRange = false }: QuantizeOptions): Promise<void> {
    await this.#ask({ do: 'quantize_dynamic', path, out, reduce_range: reduceRange })
  }

  /** @param examples that ranges of activations are taken of */
  async quantizeOpenVino(path: string, out: string, examples: readonly NamedTensors[]): Promise<void> {
    await this.#feed(examples)
    await this.#ask({ do: 'quantize_openvino', path, out })
  }

  /** Times in turns with the dense model in onnxruntime, both in Python: of one thread those of the processor, of several those of the clock. */
  async speeds(
    models: { readonly model: number; readonly dense: number; readonly threads?: number },
    batches: ReadonlyMap<string, readonly (NamedTensors | Texts)[]>,
  ): Promise<Speeds> {
    const speeds: Record<string, readonly [number, number, number]> = {}
    for (const [name, feeds] of batches) {
      await this.#feed(feeds)
      const { content } = await this.#ask({ do: 'times', ...models, rounds: ROUNDS, budget: TIMING_S })
      const { dense, own } = content as unknown as Record<'dense' | 'own', number[]>
      const { value, low, high } = pairedSpeedup(dense, own)
      speeds[name] = [value, low, high]
    }
    return speeds
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end()
    if (this.#process.exitCode === null) await once(this.#process, 'exit')
  }

  async #feed(all: readonly (NamedTensors | Texts)[]): Promise<void> {
    for (const [i, inputs] of all.entries()) {
      const feed = { do: 'feed', first: i === 0 }
      if (isTexts(inputs)) await this.#ask({ ...feed, texts: inputs })
      else await this.#ask(feed, inputs)
    }
  }

  /** @throws TpError TP_RUN */
  async #ask(
    request: object,
    inputs: NamedTensors = {},
  ): Promise<{ readonly content: Answer; readonly tensors: NamedTensors }> {
    const entries = Object.entries(inputs).map(([name, { type, dims, data }]) => {
      const { buffer, byteOffset, byteLength } = data as TypedArray
      return { head: { name, type, dims, bytes: byteLength }, data: new Uint8Array(buffer, byteOffset, byteLength) }
    })
    this.#process.stdin.write(`${JSON.stringify({ ...request, tensors: entries.map(({ head }) => head) })}\n`)
    for (const { data } of entries) this.#process.stdin.write(data)
    const content = JSON.parse(await this.#line()) as Answer
    const tensors: Record<string, NamedTensors[string]> = {}
    for (const { name, type, dims, bytes } of content.tensors) {
      const data = new Uint8Array(await this.#take(bytes))
      tensors[name] = { type, dims, data: new Float32Array(data.buffer, 0, bytes / 4) }
    }
    if (content.error !== undefined) throw new TpError('TP_RUN', 'benchmark', content.error)
    return { content, tensors }
  }

  async #line(): Promise<string> {
    let end = this.#read.indexOf(10)
    while (end < 0) {
      await this.#more()
      end = this.#read.indexOf(10)
    }
    return (await this.#take(end + 1)).toString('utf8')
  }

  async #take(bytes: number): Promise<Buffer> {
    const parts = [this.#read]
    let length = this.#read.length
    while (length < bytes) {
      const chunk = await this.#chunk()
      parts.push(chunk)
      length += chunk.length
    }
    const all = Buffer.concat(parts)
    this.#read = all.subarray(bytes)
    return all.subarray(0, bytes)
  }

  async #more(): Promise<void> {
    this.#read = Buffer.concat([this.#read, await this.#chunk()])
  }

  async #chunk(): Promise<Buffer> {
    const { value, done } = await this.#chunks.next()
    if (!done) return value
    const advice = 'npm run benchmark -- outside --help says which packages its Python needs'
    throw new TpError('TP_RUN', 'benchmark', `the Python of the rivals ended; ${advice}`)
  }
}
