import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { largest, logitsOf } from '@tp/metrics'
import type { Classification } from './outcome.ts'
import { type EvaluateOptions, runExamples } from './run-examples.ts'

/**
 * The answers of a model to all examples, whichever are right.
 * @throws TpError TP_DATA for a class that the model does not have, TP_OUTPUT, TP_TOKENIZER, TP_ABORTED
 */
export async function classify(
  session: Session,
  inputs: ModelInputs,
  options: EvaluateOptions = {},
): Promise<Classification> {
  const total = inputs.targets.length
  const predictions = new Array<number>(total)
  let logits = new Float32Array()
  let classes = 0
  const run = await runExamples(session, inputs, options, ({ outputs, positions }) => {
    const batch = logitsOf(outputs, positions.length)
    if (classes === 0) {
      classes = batch.classes
      checkTargets(inputs, classes)
      logits = new Float32Array(total * classes)
    }
    for (const [row, position] of positions.entries()) {
      const values = batch.data.subarray(row * classes, (row + 1) * classes)
      logits.set(values, position * classes)
      predictions[position] = largest(values)
    }
  })
  return { task: 'classification', figures: {}, predictions, classes, logits, ...run }
}

function checkTargets({ targets, source }: ModelInputs, classes: number): void {
  const position = targets.findIndex((target) => target >= classes)
  if (position < 0) return
  const seen = `example ${position} has class ${targets[position]}, but the model gives ${classes} classes (0…${classes - 1})`
  throw new TpError('TP_DATA', 'compare', `${source}: ${seen}`)
}
