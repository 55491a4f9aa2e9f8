import { divide, type ModelInputs } from '@tp/data/inputs'

/**
 * Divides queries; all candidates of a query are in the same part.
 * @param queries the positions of each query's candidates
 * @returns positions in `queries`, by part
 */
export function divideQueries<Part extends string>(
  queries: readonly (readonly number[])[],
  { keys }: Pick<ModelInputs, 'keys'>,
  turns: readonly Part[],
): Readonly<Record<Part, readonly number[]>> {
  const lengths = queries.map(({ length }) => length)
  const first = keys && queries.map(([position = 0]) => keys[position] as string | number)
  return divide({ targets: queries.map(() => -1), lengths, keys: first }, turns)
}
