import type { Inspection, TokenReading } from '@tp/compiler'

/** How a head reads every token. */
export type WholeReading = 'mean' | 'states' | 'answers' | 'positions'

const readings: Partial<Readonly<Record<TokenReading['kind'], WholeReading>>> = {
  mean: 'mean',
  sum: 'mean',
  max: 'mean',
  other: 'mean',
  'token-states': 'states',
  'token-answers': 'answers',
  positions: 'positions',
}

/** The outputs that are made of all tokens: pooled by the file, or with a row for each. */
export function wholeReadings(
  encoders: readonly Pick<Inspection, 'head'>[],
): readonly { readonly output: string; readonly reading: WholeReading }[] {
  return encoders.flatMap(({ head }) =>
    head.flatMap(({ output, reads }) => {
      const [reading] = reads.flatMap(({ kind }) => readings[kind] ?? [])
      return reading === undefined ? [] : [{ output, reading }]
    }),
  )
}
