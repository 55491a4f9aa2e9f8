import { dataError } from './data-error.ts'

const MOST_CELLS = 20_000_000

/** Counts cells and characters, so that a table that would exhaust memory is refused while it is read. */
export class TableSize {
  readonly #mostRows: number
  #rows = 0
  #cells = 0

  constructor(mostRows = 1_000_000) {
    this.#mostRows = mostRows
  }

  /** @throws TpError TP_DATA at the row that exceeds the limit */
  add(path: string, cells: number): void {
    this.#rows++
    this.#cells += cells
    if (this.#rows <= this.#mostRows && this.#cells <= MOST_CELLS) return
    const most = this.#rows > this.#mostRows ? `${this.#mostRows} rows` : `${MOST_CELLS} cells`
    throw dataError(path, `has more than ${most}; give a part of it`)
  }
}
