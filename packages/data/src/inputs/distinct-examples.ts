import { contentKeys, type ModelInputs } from './model-inputs.ts'
import { someExamples } from './some-examples.ts'

/**
 * The first of all examples that are one: the same tokens, or files of the same content, of the same class. A text that is there ten times says no more about a
 * model than once; counted ten times, it would make intervals too narrow, and choose and confirm at once. Candidates that are to be ranked are
 * all returned, since they belong to their queries, and so are texts that people have judged, and examples without keys.
 */
export async function distinctExamples<Inputs extends ModelInputs>(inputs: Inputs): Promise<Inputs> {
  const { targets, ranking, pairs, search } = inputs
  if (ranking !== undefined || pairs !== undefined || search !== undefined) return inputs
  const contents = await contentKeys(inputs)
  if (contents === undefined) return inputs
  const rows = new Map<string, number>()
  for (const [row, target] of targets.entries()) {
    const identity = `${contents[row]} ${target}`
    if (!rows.has(identity)) rows.set(identity, row)
  }
  return rows.size === targets.length ? inputs : someExamples(inputs, [...rows.values()])
}
