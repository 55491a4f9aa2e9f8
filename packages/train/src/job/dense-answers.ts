import { TpError } from '@tp/core'
import { ANSWERS_PART, type TrainingStore } from './store.ts'

/** Numbers that are the same when they are read again. */
type Numbers = Float32Array | Float64Array

const kinds = { f32: Float32Array, f64: Float64Array } as const

/** The model and the examples of the answers: a training that is resumed has to have the same. */
export type AnswerSubject = Readonly<Record<string, string>>

/**
 * Answers of the dense model before a training begins, which take minutes to hours. They are stored when the training is interrupted, and
 * the model does not run again when it is resumed.
 */
export class DenseAnswers {
  readonly #store: TrainingStore
  readonly #known = new Map<string, Numbers>()
  #subject: AnswerSubject | undefined

  constructor(store: TrainingStore) {
    this.#store = store
  }

  /**
   * Names the model and the examples, before any answer. A resumed training reads its stored answers.
   * @throws TpError TP_RESUME if they are of another training, or damaged
   */
  async open(subject: AnswerSubject, resumes: boolean): Promise<void> {
    this.#subject = subject
    const bytes = resumes ? await this.#store.read('answers') : undefined
    if (bytes === undefined) return
    for (const [name, numbers] of read(bytes, subject)) this.#known.set(name, numbers)
  }

  /** The answer that is known under this name, or what `compute` returns. */
  async of<T extends Numbers>(name: string, compute: () => Promise<T>): Promise<T> {
    const known = (this.#known.get(name) as T | undefined) ?? (await compute())
    this.#known.set(name, known)
    return known
  }

  /** Keeps the same numbers elsewhere, so that they are in memory once. */
  moved(name: string, to: Numbers): void {
    this.#known.set(name, to)
  }

  /** Does nothing before model and examples are known. */
  async save(): Promise<void> {
    if (this.#subject === undefined) return
    const parts = [...this.#known].map(([name, data]) => [
      name,
      data instanceof Float32Array ? 'f32' : 'f64',
      data.length,
    ])
    const head = new TextEncoder().encode(`${JSON.stringify({ format: 1, subject: this.#subject, parts })}\n`)
    const data = [...this.#known.values()].map(
      ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
    )
    await this.#store.write('answers', concatenated([head, ...data]))
  }
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function read(bytes: Uint8Array, own: AnswerSubject): [string, Numbers][] {
  const end = bytes.indexOf(LINE_BREAK)
  const { subject, parts } = readHead(bytes.subarray(0, Math.max(0, end)))
  const changed = [...new Set([...Object.keys(subject), ...Object.keys(own)])].filter(
    (name) => subject[name] !== own[name],
  )
  if (changed.length > 0) {
    const seen = `they belong to another training (another ${changed.join(', ')})`
    throw unusable(`${seen}; use the files and options of that one, or start over`)
  }
  const sizes = parts.map(([, kind, length]) => length * kinds[kind].BYTES_PER_ELEMENT)
  if (end + 1 + sizes.reduce((sum, size) => sum + size, 0) !== bytes.length) throw unusable(DAMAGED)
  let at = end + 1
  return parts.map(([name, kind], i) => {
    const numbers = new kinds[kind](bytes.slice(at, at + (sizes[i] as number)).buffer)
    at += sizes[i] as number
    return [name, numbers]
  })
}

function readHead(line: Uint8Array): { subject: AnswerSubject; parts: [string, keyof typeof kinds, number][] } {
  try {
    const { format, subject, parts } = JSON.parse(new TextDecoder().decode(line))
    const isPart = (part: unknown): boolean => {
      const [name, kind, length] = part as unknown[]
      return typeof name === 'string' && Object.hasOwn(kinds, kind as string) && Number(length) >= 0
    }
    if (format === 1 && typeof subject === 'object' && subject !== null && parts.every(isPart))
      return { subject, parts }
  } catch {
    // Reported below.
  }
  throw unusable(DAMAGED)
}

function unusable(problem: string): TpError {
  return new TpError('TP_RESUME', ANSWERS_PART, `cannot resume with the answers of the dense model: ${problem}`)
}

const LINE_BREAK = 10
const DAMAGED = 'they are damaged; start over'
