import { appendFile, mkdir, readFile, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Cell, cellHash, cellKey, type Values } from './cell.ts'

/** What the results of a run have in common. */
export interface Surroundings {
  readonly machine: string
  readonly versions: string
}

/** A line of the file of results. */
export interface Line extends Surroundings {
  readonly key: string
  readonly hash: string
  readonly cell: Cell
  readonly date: string
  readonly seconds: number
  readonly value?: Values[Cell['kind']]
  /** Why there is no value. */
  readonly refused?: { readonly code: string; readonly message: string }
}

/**
 * Results in a file of JSON lines, one a cell. Lines are only ever added, each by one write, so that a run that is killed
 * leaves at most a last line without an end, which is dropped when the next one starts.
 */
export class Results {
  readonly #path: string
  readonly #lines: Map<string, Line>
  readonly #hash: (cell: Cell) => string
  readonly surroundings: Surroundings

  private constructor(path: string, lines: Map<string, Line>, hash: (cell: Cell) => string, about: Surroundings) {
    this.#path = path
    this.#lines = lines
    this.#hash = hash
    this.surroundings = about
  }

  /** @param files what identifies the files of a subject */
  static async open(path: string, files: (subject: string) => string, about: Surroundings): Promise<Results> {
    await mkdir(dirname(path), { recursive: true })
    const text = await readFile(path, 'utf8').catch(() => '')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole))
    const lines = new Map<string, Line>()
    for (const row of whole.split('\n')) {
      if (row === '') continue
      const line = JSON.parse(row) as Line
      // of two lines of one cell the later one counts
      lines.set(line.key, line)
    }
    return new Results(path, lines, (cell) => cellHash(cell, files(cell.subject), about.machine), about)
  }

  /** The cell's line, unless it was measured with other settings, files or, for times, on another machine. */
  line(cell: Cell): Line | undefined {
    const line = this.#lines.get(cellKey(cell))
    return line?.hash === this.#hash(cell) ? line : undefined
  }

  /** What was measured; undefined if it was not yet, or was refused. */
  value<C extends Cell>(cell: C): Values[C['kind']] | undefined {
    return this.line(cell)?.value as Values[C['kind']] | undefined
  }

  async add(cell: Cell, outcome: Pick<Line, 'value' | 'refused' | 'seconds'>): Promise<void> {
    const about = { key: cellKey(cell), hash: this.#hash(cell), date: new Date().toISOString(), ...this.surroundings }
    const line: Line = { ...about, cell, ...outcome }
    await appendFile(this.#path, `${JSON.stringify(line)}\n`)
    this.#lines.set(line.key, line)
  }

  /** Makes cells be measured again. */
  forget(cells: readonly Cell[]): void {
    for (const cell of cells) this.#lines.delete(cellKey(cell))
  }
}
