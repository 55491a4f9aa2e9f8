import type { Flip, FlipAnalysis, KeptToken } from '@tp/data'
import { className } from '../explaining/describe.ts'
import { table } from '../output/table.ts'
import { nameOf, type ResultRow } from './rows.ts'

/** Tokens of an example that the table shows; JSON has all that were tried. */
const SHOWN = 5

export interface FlipTexts {
  readonly classes: readonly string[] | undefined
  /** Names of the tokens of an example, by their places. */
  readonly names: ReadonlyMap<number, readonly string[]>
}

/** Which tokens changed the answers of each row, as text. */
export function describeFlips(rows: readonly ResultRow[], examples: number, texts: FlipTexts): string {
  const described = rows.flatMap((row) =>
    row.flips === undefined ? [] : [describeRow(row, row.flips, examples, texts)],
  )
  return described.join('\n\n')
}

function describeRow(row: ResultRow, { flipped, flips }: FlipAnalysis, examples: number, texts: FlipTexts): string {
  const name = [nameOf({ ...row, seeds: 1 }), row.keep].join(' ').trim()
  const first = row.seeds > 1 ? ' with the first seed' : ''
  const asked = flipped > flips.length ? `, ${flips.length} asked` : ''
  const turned = flips.filter(({ tried }) => tried.some(({ turnsBack }) => turnsBack)).length
  const single = flips.length === 0 ? '' : `; keeping one token changes ${turned} back`
  const title = `${name}${first}: ${flipped} of ${examples} answers changed${asked}${single}`
  return [title, ...flips.flatMap((flip) => describeFlip(flip, texts))].join('\n')
}

function describeFlip(flip: Flip, { classes, names }: FlipTexts): string[] {
  const { example, target, dense, pruned, margin, prunedTokens, tried } = flip
  const [label, before, after] = [target, dense, pruned].map((number) => className(number, classes))
  const limit = tried.length < prunedTokens ? `, ${tried.length} of ${prunedTokens} tokens tried` : ''
  const rows = tried
    .slice(0, SHOWN)
    .map(({ position, prunedAt, change, turnsBack }: KeptToken) => [
      names.get(example)?.[position] ?? `${position}`,
      `layer ${prunedAt}`,
      withSign(change),
      turnsBack ? 'changes it back' : '',
    ])
  const lines = rows.length === 0 ? [] : table(['token', 'pruned at', 'margin', ''], rows, ['token', '']).split('\n')
  const title = `  example ${example}: label ${label}, ${before} became ${after} (margin ${withSign(margin)}${limit})`
  return [title, ...lines.map((line) => `    ${line}`)]
}

function withSign(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`
}

/** The same in JSON. */
export function flipsContent({ flipped, flips }: FlipAnalysis, { classes, names }: FlipTexts): object {
  return {
    flipped,
    examples: flips.map(({ example, target, dense, pruned, margin, prunedTokens, tried }) => ({
      ...{ example, label: className(target, classes), dense: className(dense, classes) },
      ...{ pruned: className(pruned, classes), margin, prunedTokens },
      tokens: tried.map((token) => ({ text: names.get(example)?.[token.position] ?? null, ...token })),
    })),
  }
}
