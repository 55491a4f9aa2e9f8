/** Shares 0…1 of empty background among tokens. */
export interface Background {
  /** Of all. */
  readonly all: number
  readonly shares: readonly {
    readonly label: string
    readonly background: number
    /** Of the tokens that a later layer looks at most, how many are among these. */
    readonly later: number
  }[]
}

/** What the numbers, the maps and the table of what was tried say together. */
export function explanation(byModel: Readonly<Record<string, Background>>, stay: number): string[] {
  const percentOf = (model: string, label: string, value: 'background' | 'later'): string =>
    `${percent(byModel[model]?.shares.find((share) => share.label === label)?.[value] as number)} %`
  const all = (model: string): string => `${percent(byModel[model]?.all as number)} %`
  const mostOf = (model: string): string => percentOf(model, 'most attention, layer 0', 'background')
  const laterOf = (model: string, layer: number): string => percentOf(model, `cls-attention, layer ${layer}`, 'later')
  return [
    '**Why attention misleads on clothing.** What the class token attends to is what one layer asks for, not what the ' +
      'layers behind it will need. On clothing the first layer looks at the rim of the image and at the empty corners ' +
      'beside what is in it: is there a sleeve, a strap, a shaft? ' +
      `Of the tenth of the tokens that it attends to most ${mostOf('fashion-vit')} are empty background, of all tokens ` +
      `${all('fashion-vit')}. The second looks elsewhere, and layer 3 elsewhere again: of the tenth that it attends to ` +
      `most, ${laterOf('fashion-vit', 0)} are among the ${stay} that attention keeps in layer 0, and ` +
      `${laterOf('fashion-vit', 1)} in layer 1. Chance would keep about ${percent(stay)} %.`,
    '**Neither the most nor the least.** Turned around, attention loses as well (see what else was tried). Later layers ' +
      'take averages over the tokens that are there. A sample that a score has picked shifts them; an even one does not. ' +
      'Nor does it miss much: patches are 5 × 5 points and two apart, so every point is in about six tokens, and half of ' +
      'them still see the whole image, if they do not stand in line: stride keeps whole columns of the 14 × 14, ' +
      'quasi-random does not. Where ToMe loses little it is for the same reason: what leaves stays in the averages by its size.',
    `**Why it does not on digits.** A digit is a bright line on nothing. Nothing is ${all('digits-vit')} of the tokens, but ` +
      `${mostOf('digits-vit')} of those with most attention, and layers agree: of the tenth that layer 3 attends to most, ` +
      `attention keeps ${laterOf('digits-vit', 0)} in layer 0 and ${laterOf('digits-vit', 1)} in layer 1. So attention may ` +
      'be followed there, from the second layer on.',
  ]
}

export function percent(share: number): string {
  return (100 * share).toFixed(1)
}
