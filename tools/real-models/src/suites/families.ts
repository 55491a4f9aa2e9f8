import { join } from 'node:path'
import { readRows, type SuiteRows, writeRows } from './tables.ts'

/** Of ten families in their order so many are in each file. */
const SHARES = { 'train.tsv': 4, 'dev.tsv': 2, 'test.tsv': 4 } as const

/**
 * Cases of HateCheck in three files that have no template in common, nor one that was made from another's (its negation, its misspelling):
 * a model is judged by sentences whose likes it has not learned.
 */
export function familiesApart(path: string): (checkout: string, folder: string) => Promise<void> {
  return async (checkout, folder) => {
    const rows = await readRows(join(checkout, path), ',')
    const familyOf = familiesByTemplate(rows)
    const families = [...new Set(familyOf.values())]
    const tenths = Object.entries(SHARES).flatMap(([name, share]) => Array<string>(share).fill(name))
    for (const name of Object.keys(SHARES)) {
      const own = new Set(families.filter((_, i) => tenths[i % tenths.length] === name))
      const cases = rows.filter(({ templ_id: template = '' }) => own.has(familyOf.get(template) ?? ''))
      await writeRows(
        join(folder, name),
        cases.map(({ label_gold: label = '', test_case: text = '' }) => ({ label, text })),
      )
    }
  }
}

/** The template that each was made from in the end. */
function familiesByTemplate(rows: SuiteRows): ReadonlyMap<string, string> {
  const sources = new Map(rows.map(({ templ_id: own = '', ref_templ_id: source = '' }) => [own, source]))
  const origin = (template: string): string => {
    const source = sources.get(template)
    return source ? origin(source) : template
  }
  return new Map([...sources.keys()].map((template) => [template, origin(template)]))
}
