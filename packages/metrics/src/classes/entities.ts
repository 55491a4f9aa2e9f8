/** A run of words that are one thing: words `start` up to, without, `end`. */
export interface Entity {
  readonly type: string
  readonly start: number
  readonly end: number
}

const BIO = /^(?:O|[BI]-.+)$/

/** Whether class names are BIO tags: `O`, `B-PER`, `I-PER`. */
export function isBio(labels: readonly string[]): boolean {
  return labels.every((label) => BIO.test(label)) && labels.some((label) => label !== 'O')
}

/**
 * Entities of a sentence from its BIO tags, as conlleval and seqeval (in its default mode) count them: one begins at every
 * `B-`, and at an `I-` that does not go on with what was there (as the old form IOB1 writes it). Tjong Kim Sang and
 * De Meulder, CoNLL 2003.
 */
export function entitiesOf(tags: readonly string[]): Entity[] {
  const entities: Entity[] = []
  let open: { type: string; start: number } | undefined
  const close = (end: number): void => {
    if (open !== undefined) entities.push({ ...open, end })
    open = undefined
  }
  for (const [word, tag] of tags.entries()) {
    const type = tag === 'O' ? undefined : tag.slice(2)
    if (open !== undefined && (tag.startsWith('B-') || type !== open.type)) close(word)
    if (type !== undefined) open ??= { type, start: word }
  }
  close(tags.length)
  return entities
}

/** The counts of entity-level F1: F1 = 2·hits / (found + labeled). An entity is a hit if type, start and end are right. */
export interface EntityCounts {
  readonly hits: number
  readonly found: number
  readonly labeled: number
}

export function countEntities(predicted: readonly string[], expected: readonly string[]): EntityCounts {
  const key = ({ type, start, end }: Entity): string => `${start} ${end} ${type}`
  const labeledKeys = new Set(entitiesOf(expected).map(key))
  const found = entitiesOf(predicted).map(key)
  return {
    hits: found.filter((entity) => labeledKeys.has(entity)).length,
    found: found.length,
    labeled: labeledKeys.size,
  }
}
