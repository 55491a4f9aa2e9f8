import { TpError } from '@tp/core'
import { type AbortSignalLike, type NamedTensors, pause, type Session, type TypedArray } from '@tp/core/runtime'

/** Every text model takes so few. */
const FEW = 3

/** Facts about the texts of a batch, for messages. */
export interface BatchSource {
  /** Where an example of the batch comes from, by its row. */
  readonly sourceOf?: ((row: number) => string) | undefined
  /** The length at which an option has cut texts. */
  readonly maxTokens?: number | undefined
}

/**
 * Runs a model on a batch of examples.
 * @throws TpError TP_TOO_LONG for texts that have more tokens than the model has positions, TP_TOKENIZER, TP_ABORTED; and what the runtime throws
 */
export async function runBatch(
  session: Session,
  feeds: NamedTensors,
  signal: AbortSignalLike | undefined,
  { sourceOf, maxTokens }: BatchSource = {},
): Promise<NamedTensors> {
  try {
    return await session.run(feeds, { signal })
  } catch (cause) {
    const range = /indices element out of data bounds, idx=(\d+) must be within the inclusive range \[-(\d+)/.exec(
      cause instanceof Error ? cause.message : '',
    )
    const most = await mostTokens(session, feeds, signal)
    if (most !== undefined) {
      const source = sourceOf?.(longestRow(feeds))
      const which = source === undefined ? 'a text' : `the text of ${source}`
      const seen = `${which} has ${Object.values(feeds)[0]?.dims[1]} tokens, and the model runs ${most} at most`
      const advice =
        maxTokens === undefined
          ? `next to the model, write {"max_position_embeddings": ${most}} to config.json, so that longer texts are cut`
          : `texts are cut at ${maxTokens} tokens; give ${most} or fewer (maxTokens, --max-tokens)`
      throw new TpError('TP_TOO_LONG', 'data', `${seen}; ${advice}`, { cause })
    }
    if (range === null) throw cause
    const [, id, rows] = range
    throw new TpError(
      'TP_TOKENIZER',
      'data',
      `the model was given token ${id}, but its table has ${rows} rows: the tokenizer belongs to another model`,
      { cause },
    )
  }
}

/** The row of the text with the most tokens, by the mask; the first where there is none. */
function longestRow(feeds: NamedTensors): number {
  const mask = Object.entries(feeds).find(([name]) => /mask/.test(name))?.[1]
  const [rows = 1, tokens = 1] = mask?.dims ?? []
  const counts = Array.from({ length: rows }, (_, row) =>
    Array.from(mask?.data.slice(row * tokens, (row + 1) * tokens) ?? [], Number).reduce((sum, one) => sum + one, 0),
  )
  return counts.indexOf(Math.max(...counts))
}

/**
 * The most tokens that a model runs, where it does not run as many as a batch of texts has: it has no more positions. Undefined if the length
 * is not to blame, but what the texts hold.
 * @throws TpError TP_ABORTED
 */
async function mostTokens(
  session: Session,
  feeds: NamedTensors,
  signal: AbortSignalLike | undefined,
): Promise<number | undefined> {
  const [first] = Object.values(feeds)
  const tokens = first?.dims[1]
  const isOfTexts = Object.values(feeds).every(
    ({ type, dims }) => /^u?int/.test(type) && dims.length === 2 && dims[1] === tokens,
  )
  if (tokens === undefined || !isOfTexts) return undefined
  const runs = async (length: number): Promise<boolean> => {
    await pause(signal, 'data')
    try {
      await session.run(ofLength(feeds, length), { signal })
      return true
    } catch {
      return false
    }
  }
  if (tokens <= FEW || !(await runs(FEW)) || (await runs(tokens))) return undefined
  let [most, tooMany] = [FEW, tokens]
  while (tooMany - most > 1) {
    const middle = (most + tooMany) >> 1
    if (await runs(middle)) most = middle
    else tooMany = middle
  }
  return most
}

/** One text that has the first token of the batch everywhere. */
function ofLength(feeds: NamedTensors, length: number): NamedTensors {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, data }]) => {
      const own = new (data.constructor as new (length: number) => TypedArray)(length)
      return [name, { type, dims: [1, length], data: own.fill(data[0] as never) }]
    }),
  )
}
