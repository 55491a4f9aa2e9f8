import { stat } from 'node:fs/promises'
import { TpError } from '@tp/core'
import { readInput } from '../files/read-input.ts'
import { replaceFile } from '../files/replace-file.ts'

/** Numbers that are the same when they are read again. */
type Numbers = Float32Array | Float64Array

const kinds = { f32: Float32Array, f64: Float64Array } as const

/** What the answers are of: a training that is resumed has to be the same in all of it. */
type Subject = Readonly<Record<string, string>>

/**
 * What the dense model has answered before a training begins, which takes minutes to hours. It is kept in a file next to the output when
 * the training is interrupted, and not asked again when it is resumed.
 */
export class DenseAnswers {
  readonly path: string
  readonly #known = new Map<string, Numbers>()
  #subject: Subject | undefined

  /** @param out the file that the training is to write */
  constructor(out: string) {
    this.path = `${out}.answers.checkpoint`
  }

  isThere(): Promise<boolean> {
    return stat(this.path).then(
      () => true,
      () => false,
    )
  }

  /**
   * Says what is asked about, before anything is. When a training is resumed, its answers are read if they are there.
   * @throws TpError TP_RESUME if they are of another training, or damaged; TP_FILE_NOT_FOUND
   */
  async open(subject: Subject, resumes: boolean): Promise<void> {
    this.#subject = subject
    if (!resumes || !(await this.isThere())) return
    const bytes = await readInput(this.path, { code: 'TP_FILE_NOT_FOUND', advice: 'omit --resume to start over' })
    for (const [name, numbers] of this.#read(bytes, subject)) this.#known.set(name, numbers)
  }

  /** What was answered before under this name, or what `ask` gives. */
  async of<T extends Numbers>(name: string, ask: () => Promise<T>): Promise<T> {
    const known = (this.#known.get(name) as T | undefined) ?? (await ask())
    this.#known.set(name, known)
    return known
  }

  /** Keeps the same numbers elsewhere, so that they are in memory once. */
  moved(name: string, to: Numbers): void {
    this.#known.set(name, to)
  }

  /** Does nothing before it is known what is asked about. @throws TpError TP_WRITE */
  async save(): Promise<void> {
    if (this.#subject === undefined) return
    const parts = [...this.#known].map(([name, data]) => [
      name,
      data instanceof Float32Array ? 'f32' : 'f64',
      data.length,
    ])
    const head = Buffer.from(`${JSON.stringify({ format: 1, subject: this.#subject, parts })}\n`)
    const data = [...this.#known.values()].map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer, byteOffset, byteLength),
    )
    await replaceFile(this.path, Buffer.concat([head, ...data]))
  }

  #read(bytes: Uint8Array, asked: Subject): [string, Numbers][] {
    const end = bytes.indexOf(LINE_BREAK)
    const { subject, parts } = this.#readHead(bytes.subarray(0, Math.max(0, end)))
    const changed = [...new Set([...Object.keys(subject), ...Object.keys(asked)])].filter(
      (name) => subject[name] !== asked[name],
    )
    if (changed.length > 0) {
      const seen = `they belong to another training (another ${changed.join(', ')})`
      throw this.#unusable(`${seen}; use the files and options of that one, or start over`)
    }
    const sizes = parts.map(([, kind, length]) => length * kinds[kind].BYTES_PER_ELEMENT)
    if (end + 1 + sizes.reduce((sum, size) => sum + size, 0) !== bytes.length) throw this.#unusable(DAMAGED)
    let at = end + 1
    return parts.map(([name, kind], i) => {
      const numbers = new kinds[kind](bytes.slice(at, at + (sizes[i] as number)).buffer)
      at += sizes[i] as number
      return [name, numbers]
    })
  }

  #readHead(line: Uint8Array): { subject: Subject; parts: [string, keyof typeof kinds, number][] } {
    try {
      const { format, subject, parts } = JSON.parse(new TextDecoder().decode(line))
      const isPart = (part: unknown): boolean => {
        const [name, kind, length] = part as unknown[]
        return typeof name === 'string' && Object.hasOwn(kinds, kind as string) && Number(length) >= 0
      }
      if (format === 1 && typeof subject === 'object' && subject !== null && parts.every(isPart))
        return { subject, parts }
    } catch {
      // Said below.
    }
    throw this.#unusable(DAMAGED)
  }

  #unusable(problem: string): TpError {
    return new TpError('TP_RESUME', this.path, `cannot resume with the answers of the dense model: ${problem}`)
  }
}

const LINE_BREAK = 10
const DAMAGED = 'they are damaged; start over'
