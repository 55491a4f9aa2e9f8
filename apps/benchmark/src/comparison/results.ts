import { appendFile, mkdir, readFile, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isTpError } from '@tp/core'
import type { ReportSurroundings } from '../report/section.ts'
import { type CellValues, type ComparisonCell, cellHash, cellKey, type SpeedCell } from './cell.ts'

/** A line of the file of results. */
export interface ResultLine extends ReportSurroundings {
  readonly key: string
  readonly hash: string
  readonly cell: ComparisonCell
  readonly date: string
  readonly seconds: number
  readonly value?: CellValues[ComparisonCell['kind']]
  /** Why there is no value. */
  readonly refused?: { readonly code: string; readonly message: string }
}

/**
 * Results in a file of JSON lines, one a cell. Lines are only ever added, each by one write, so that a run that is killed
 * leaves at most a last line without an end, which is dropped when the next one starts.
 */
export class Results {
  readonly #path: string
  readonly #lines: Map<string, ResultLine>
  readonly #files: (subject: string) => string
  readonly #isFromAnywhere: boolean
  /** Of this run, or of the newest line, where results count wherever they were measured. */
  readonly surroundings: ReportSurroundings

  private constructor(
    path: string,
    lines: Map<string, ResultLine>,
    files: (subject: string) => string,
    about: ReportSurroundings | undefined,
  ) {
    this.#path = path
    this.#lines = lines
    this.#files = files
    this.#isFromAnywhere = about === undefined
    const { machine, versions } = about ?? [...lines.values()].at(-1) ?? { machine: '', versions: '' }
    this.surroundings = { machine, versions }
  }

  /**
   * @param files what identifies the files of a subject
   * @param about without it, times count wherever they were measured: for a report of what others have measured
   */
  static async open(path: string, files: (subject: string) => string, about?: ReportSurroundings): Promise<Results> {
    await mkdir(dirname(path), { recursive: true })
    const text = await readFile(path, 'utf8').catch(() => '')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole))
    const lines = new Map<string, ResultLine>()
    for (const row of whole.split('\n')) {
      if (row === '') continue
      const line = JSON.parse(row) as ResultLine
      // of two lines of one cell the later one counts
      lines.delete(line.key)
      lines.set(line.key, line)
    }
    return new Results(path, lines, files, about)
  }

  /** The cell's line, unless it was measured with other settings, files or, for times, on another machine. */
  line(cell: ComparisonCell): ResultLine | undefined {
    const line = this.#lines.get(cellKey(cell))
    const machine = this.#isFromAnywhere ? line?.machine : undefined
    return line?.hash === this.#hash(cell, machine) ? line : undefined
  }

  /** The measurement; undefined if it is missing or was refused. */
  value<C extends ComparisonCell>(cell: C): CellValues[C['kind']] | undefined {
    return this.line(cell)?.value as CellValues[C['kind']] | undefined
  }

  /** In a report: the cell of that name as it was when it was measured, of the same files, though today's may differ. */
  kept(cell: SpeedCell): SpeedCell | undefined {
    const line = this.#isFromAnywhere ? this.#lines.get(cellKey(cell)) : undefined
    return line && line.hash === this.#hash(line.cell, line.machine) ? (line.cell as SpeedCell) : undefined
  }

  async add(cell: ComparisonCell, outcome: Pick<ResultLine, 'value' | 'refused' | 'seconds'>): Promise<void> {
    const about = { key: cellKey(cell), hash: this.#hash(cell), date: new Date().toISOString(), ...this.surroundings }
    const line: ResultLine = { ...about, cell, ...outcome }
    await appendFile(this.#path, `${JSON.stringify(line)}\n`)
    this.#lines.set(line.key, line)
  }

  /** Day of the newest line: `2026-11-27`. */
  get date(): string {
    return [...this.#lines.values()].reduce((newest, { date }) => (date > newest ? date : newest), '').slice(0, 10)
  }

  /** Names of trained files that something is known of, without their endings. */
  get learned(): string[] {
    const settings = [...this.#lines.values()].flatMap(({ cell }) => (cell.kind === 'accuracy' ? [cell.setting] : []))
    return [...new Set(settings.flatMap((setting) => (setting.kind === 'learned' ? [setting.file] : [])))]
  }

  #hash(cell: ComparisonCell, machine: string = this.surroundings.machine): string {
    return cellHash(cell, this.#files(cell.subject), machine)
  }

  /** Forgets cells, so that they are measured once more. */
  forget(cells: readonly ComparisonCell[]): void {
    for (const cell of cells) this.#lines.delete(cellKey(cell))
  }
}

/** The outcome of a cell: a value, or why there can be none. Faults of the program itself are thrown. */
export async function attempt<V>(
  measure: () => Promise<V>,
): Promise<{ readonly value?: V; readonly refused?: NonNullable<ResultLine['refused']>; readonly seconds: number }> {
  const start = performance.now()
  const seconds = (): number => Number(((performance.now() - start) / 1000).toFixed(3))
  try {
    const value = await measure()
    return { value, seconds: seconds() }
  } catch (error) {
    if (!isTpError(error)) throw error
    return { refused: { code: error.code, message: error.message }, seconds: seconds() }
  }
}
