/** One line of a table, or one record of several lines. */
export interface Row {
  /** `undefined` where a JSON object has no string, number or boolean. */
  readonly cells: readonly (string | undefined)[]
  /** By column the list that a JSON object has there, of strings, numbers or booleans as text; absent where there is none. */
  readonly lists?: readonly (readonly string[] | undefined)[]
  /** Where the row ends, from 1, for messages. */
  readonly line: number
}

/** Rows of a file without empty ones; a header is included. */
export interface DataTable {
  readonly path: string
  /** Names of the columns where the format has them (JSON lines); otherwise the first row may be a header. */
  readonly names: readonly string[] | undefined
  readonly rows: readonly Row[]
}
