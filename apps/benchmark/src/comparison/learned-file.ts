/** What the name of a file in `reports/learned` says: what it is of, what has learned, and how little it computes. */
interface NameParts {
  /** Of which model and task it is; as `learned` of a subject. */
  readonly beginning: string
  readonly method: string
  /** Share of the FLOPs that was aimed at. */
  readonly share: number
}

const FORM = /^(?<beginning>(?:imdb|fashion)-|)(?<method>.+?)-(?<percent>\d+)(?:-\d+)?$/

/** @param file without its ending: `imdb-sdtp-50-0` */
export function learnedName(file: string): NameParts | undefined {
  const { beginning = '', method, percent } = FORM.exec(file)?.groups ?? {}
  return method === undefined ? undefined : { beginning, method, share: Number(percent) / 100 }
}
