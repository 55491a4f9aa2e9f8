import type { TensorLike } from '@tp/core/runtime'
import type { DemoAnswers } from '../../workbench/findings.ts'
import type { Workbench } from '../../workbench/workbench.ts'
import { type Class, classesOf } from './classes.ts'

/** The first output of a model, and the classes in it if it says some. */
export interface Said {
  readonly output: TensorLike
  readonly classes: readonly Class[] | undefined
}

/** The answers of the models to the last input, dense and pruned. */
export function saidBy(
  { source, inspection }: Workbench,
  result: DemoAnswers,
): { readonly dense: Said; readonly pruned: Said } {
  const name = Object.keys(result.dense)[0] as string
  const isOfTokens = inspection.value?.tokenOutputs.includes(name)
  const said = (outputs: DemoAnswers['dense']): Said => {
    const output = outputs[name] as TensorLike
    return { output, classes: isOfTokens ? undefined : classesOf(output, source.facts.labels) }
  }
  return { dense: said(result.dense), pruned: said(result.pruned) }
}
